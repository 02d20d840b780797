// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

namespace reenact {

/// MobileNetV2 (Sandler et al., CVPR 2018) with torchvision's layout and names: the paper's pose encoder, and
/// the identity encoder of `lite`.
class MobileNetV2Impl : public torch::nn::Module {
 public:
  /// `outputs`: size of the embedding; `width`: width multiplier; `dropout`: probability before the last
  /// layer.
  explicit MobileNetV2Impl(int outputs, double width = 1.0, double dropout = 0.2);
  /// [B, 3, H, W] in 0..1 -> [B, outputs]
  torch::Tensor forward(const torch::Tensor& rgb);
  /// The last feature map, [B, C, H/32, W/32].
  torch::Tensor feature_map(const torch::Tensor& rgb) { return features_->forward(rgb); }

 private:
  torch::nn::Sequential features_, classifier_;
};
TORCH_MODULE(MobileNetV2);

}  // namespace reenact
