// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <vector>

namespace reenact {

/// The networks whose features the content losses compare, both up to their thirteenth convolution.
enum class VggLayout {
  vgg19,    ///< VGG-19 up to relu5_1
  vgg_face  ///< VGGFace, a VGG-16, up to relu5_3
};

/// VGG (Simonyan and Zisserman, ICLR 2015) with torchvision's names ("features.28.weight") and average
/// pooling, as the authors use it. Its weights take no gradient.
class VggFeaturesImpl : public torch::nn::Module {
 public:
  /// `channels` of the first stage: 64 in the published networks.
  explicit VggFeaturesImpl(VggLayout layout, int channels = 64);
  /// `input` [B, 3, H, W] as the weights' makers prepared it, H and W at least 16. Returns the 13 rectified
  /// feature maps.
  std::vector<torch::Tensor> forward(const torch::Tensor& input);

 private:
  std::vector<std::vector<torch::nn::Conv2d>> stages_;
};
TORCH_MODULE(VggFeatures);

}  // namespace reenact
