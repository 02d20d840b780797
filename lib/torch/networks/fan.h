// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <opencv2/core.hpp>
#include <vector>

#include "reenact/config.h"
#include "reenact/crop.h"

namespace reenact {

/// The face alignment network (Bulat & Tzimiropoulos, ICCV 2017): stacked hourglasses that give a heat map for each of 68
/// points, in the layout and by the names of its PyTorch implementation.
class FanImpl : public torch::nn::Module {
 public:
  explicit FanImpl(const LandmarksConfig& config);
  /// [B, 3, 256, 256] in 0..1, channels in the order of the configuration -> heat maps of the last hourglass
  /// [B, 68, 64, 64].
  torch::Tensor forward(const torch::Tensor& pictures);
  const LandmarksConfig& config() const { return config_; }

 private:
  LandmarksConfig config_;
};
TORCH_MODULE(Fan);

/// The square that the network looks at for a face box: in its middle, moved up by 0.12 of its height, (width + height) *
/// 200 / 195 wide. May reach outside the picture.
cv::Rect fan_window(const FaceBox& box);

/// The points of one picture's heat maps [68, 64, 64], in pixels of the picture of which `window` was looked at, cut to whole
/// numbers as face-alignment does.
std::vector<cv::Point2f> fan_points(const torch::Tensor& heat_maps, const FaceBox& box);

/// 68 points of each picture (RGB CV_8UC3 of any size), in its pixels, for the face in its box. The network must be in
/// evaluation mode. Throws Error (invalid) for other pictures and for as many boxes as there are not pictures.
std::vector<std::vector<cv::Point2f>> find_fan_points(Fan& network, const std::vector<cv::Mat>& pictures,
                                                      const std::vector<FaceBox>& boxes);

}  // namespace reenact
