// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <opencv2/core.hpp>
#include <vector>

#include "reenact/config.h"
#include "training/data/head_clip.h"

namespace reenact::training {

/// The part of a crop of 1.8 times the face box that a model's pictures show, in shares of its side: FSTH's loader drops
/// a fifth at the top and a tenth on either side, all others show the whole crop.
cv::Rect2d shown_part(const ReenactorConfig& config);
/// The frame cut to a part, in shares of its side; landmarks go with it.
HeadFrame cut_to(const HeadFrame& frame, const cv::Rect2d& part);

/// How a model is told which pose to draw: by a picture, facial points, or a descriptor made elsewhere.
class PoseInput {
 public:
  explicit PoseInput(const ReenactorConfig& config) : config_(config) {}

  /// Whether frames without landmarks are of no use.
  bool needs_landmarks() const;
  /// Whether frames without a descriptor are of no use.
  bool needs_descriptor() const { return config_.pose_source == "vector"; }
  /// The frame as the model's pictures show it.
  HeadFrame shown(const HeadFrame& frame) const { return cut_to(frame, shown_part(config_)); }
  /// What a picture's pose encoder sees of a frame that is shown, before any augmentation of its own.
  cv::Mat seen(const cv::Mat& rgb) const;
  /// Of a picture [3, P, P], of points [136] or their stickman [3, S, S], or the descriptor [d_p]. `seen`: see above;
  /// `landmarks` are 478 or 68 points in 0..1. Throws Error (invalid) for what is wanted and missing.
  torch::Tensor pose(const cv::Mat& seen, const std::vector<cv::Point2f>& landmarks,
                     const std::vector<float>& descriptor) const;
  torch::Tensor pose(const HeadFrame& shown) const;
  /// A picture for the identity encoder, [3, S, S], or with its stickman before it [6, S, S].
  torch::Tensor identity(const cv::Mat& rgb, const std::vector<cv::Point2f>& landmarks) const;

 private:
  ReenactorConfig config_;
};

/// 68 points as they are, a face mesh by mesh_to_68(). Throws Error (invalid) for other numbers, and for none with a sentence
/// that says so.
std::vector<cv::Point2f> points_68(const std::vector<cv::Point2f>& landmarks);

}  // namespace reenact::training
