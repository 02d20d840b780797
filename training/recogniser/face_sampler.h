// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "training/data/face_variation.h"
#include "training/data/head_clip.h"

namespace reenact::training {

/// How faces are drawn and how far they are changed before the recogniser sees them.
struct FaceSampleOptions {
  double clips_share = 0.5;  ///< of the samples; people of clips are few but are seen in many poses
  double zoom = 0.08;        ///< scaled by exp(-+ this), x and y by half of it apart from each other
  double shift = 0.04;       ///< of the side
  double rotation = 6;       ///< degrees
  FaceVariationOptions variation;
};

/// An aligned face and whose it is.
struct FaceSample {
  cv::Mat rgb;  ///< CV_8UC3, image_size square
  int person = 0;
};

/// Draws aligned faces of people. Frames without landmarks are left out.
class FaceSampler {
 public:
  /// `clips` must outlive the object. Throws Error (invalid) when fewer than two people have a face.
  FaceSampler(const std::vector<HeadClip>& clips, int image_size, FaceSampleOptions options);
  /// Same state of `random`, same sample. Every person of clips is as likely as any other of them, so is every person of
  /// stills.
  FaceSample draw(Random& random) const;
  /// One changed as draw() changes it.
  cv::Mat vary(const HeadFrame& frame, Random& random) const;

  int people() const { return static_cast<int>(people_.size()); }
  std::size_t faces() const;

 private:
  struct Person {
    std::vector<const HeadFrame*> frames;
    bool moving = false;  ///< has a clip
  };
  int image_size_;
  FaceSampleOptions options_;
  std::vector<Person> people_;
  std::vector<int> moving_, still_;  ///< who
};

}  // namespace reenact::training
