// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "training/data/face_variation.h"
#include "training/data/head_clip.h"

namespace reenact::training {

/// How faces are cut out and how far they are changed before the landmark network sees them.
struct MeshSampleOptions {
  double least_framing = 1.2, most_framing = 2.4;  ///< side of the square over the longer side of the mesh
  double shift = 0.1;                              ///< of the square's side
  double rotation = 12;                            ///< standard deviation, degrees
  double stretch = 0.1;                            ///< x and y scaled apart by exp(-+ this)
  double pixelwise = 0.5;  ///< probability of the pose encoder's pixelwise augmentation
  FaceVariationOptions variation{.background_swap = 0.5, .relight = 0.4, .cover = 0.2, .soften = 0.2};
};

/// A face that fills a picture, and its mesh.
struct MeshSample {
  cv::Mat rgb;                    ///< CV_8UC3, image_size square
  std::vector<cv::Point2f> mesh;  ///< 478 points, 0..1 of the side; some may lie outside
};

/// Draws faces with their meshes. Frames without landmarks are left out.
class MeshSampler {
 public:
  /// `clips` must outlive the object. Throws Error (invalid) when no frame has landmarks.
  MeshSampler(const std::vector<HeadClip>& clips, int image_size, MeshSampleOptions options);
  /// Same state of `random`, same sample. A clip is drawn by the root of how many frames it has: one of a hundred as often
  /// as ten stills.
  MeshSample draw(Random& random) const;
  std::size_t faces() const;

 private:
  int image_size_;
  MeshSampleOptions options_;
  std::vector<std::vector<const HeadFrame*>> clips_;
  std::vector<double> reach_;  ///< sums of the clips' weights up to each
};

}  // namespace reenact::training
