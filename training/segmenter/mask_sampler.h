// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <random>
#include <vector>

#include "training/data/head_clip.h"
#include "training/data/picture_degradation.h"

namespace reenact::training {

/// How often and how far a crop is changed before it becomes a training sample of the segmenter.
struct MaskSampleOptions {
  double zoom = 0.35;             ///< scaled by exp(-+ this)
  double shift = 0.12;            ///< of the side
  double rotation = 15;           ///< degrees
  double background_swap = 0.45;  ///< probability
  DegradationOptions degradation;
};

/// A crop and its mask at the network's size.
struct MaskSample {
  cv::Mat rgb;   ///< CV_8UC3
  cv::Mat mask;  ///< CV_8UC1, 255 = person
};

/// Draws training samples from head crops with masks; every person is as likely as any other.
class MaskSampler {
 public:
  /// `clips` must outlive the object.
  MaskSampler(const std::vector<HeadClip>& clips, int image_size, MaskSampleOptions options);
  /// Same state of `random`, same sample.
  MaskSample draw(std::mt19937_64& random) const;

 private:
  const HeadFrame& draw_frame(std::mt19937_64& random) const;
  void swap_background(MaskSample& sample, std::mt19937_64& random) const;

  int image_size_;
  MaskSampleOptions options_;
  std::vector<std::vector<const HeadFrame*>> people_;
};

/// A frame as it is, scaled to the network's size.
MaskSample plain_sample(const HeadFrame& frame, int image_size);

}  // namespace reenact::training
