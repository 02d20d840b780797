// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

namespace reenact {

/// ResNeXt-50 32x4d (Xie et al., CVPR 2017) with torchvision's layout and names: the paper's identity
/// encoder.
class ResNeXt50Impl : public torch::nn::Module {
 public:
  explicit ResNeXt50Impl(int outputs);
  /// [B, 3, H, W] in 0..1 -> [B, outputs]
  torch::Tensor forward(const torch::Tensor& rgb);

 private:
  torch::nn::Sequential make_stage(int& channels, int width, int blocks, int stride);
  torch::nn::Conv2d conv1_ = nullptr;
  torch::nn::BatchNorm2d bn1_ = nullptr;
  torch::nn::Sequential layer1_ = nullptr, layer2_ = nullptr, layer3_ = nullptr, layer4_ = nullptr;
  torch::nn::Linear fc_ = nullptr;
};
TORCH_MODULE(ResNeXt50);

}  // namespace reenact
