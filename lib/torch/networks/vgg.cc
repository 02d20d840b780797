// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/vgg.h"

#include <algorithm>

namespace reenact {
namespace nn = torch::nn;

VggFeaturesImpl::VggFeaturesImpl(VggLayout layout, int channels) {
  const std::vector<int> convolutions =
      layout == VggLayout::vgg19 ? std::vector<int>{2, 2, 4, 4, 1} : std::vector<int>{2, 2, 3, 3, 3};
  auto features = std::make_shared<nn::Module>("features");
  int in = 3, place = 0;  // places in torchvision's Sequential, in which ReLU and pooling count
  for (std::size_t stage = 0; stage < convolutions.size(); ++stage) {
    const int out = channels * std::min(1 << stage, 8);
    auto& layers = stages_.emplace_back();
    for (int i = 0; i < convolutions[stage]; ++i, place += 2) {
      layers.push_back(nn::Conv2d(nn::Conv2dOptions(in, out, 3).padding(1)));
      features->register_module(std::to_string(place), layers.back());
      in = out;
    }
    ++place;
  }
  register_module("features", features);
  for (auto& parameter : this->parameters()) parameter.requires_grad_(false);
}

std::vector<torch::Tensor> VggFeaturesImpl::forward(const torch::Tensor& input) {
  std::vector<torch::Tensor> features;
  auto x = input;
  for (auto& stage : stages_) {
    if (!features.empty()) x = torch::avg_pool2d(x, 2);
    for (auto& convolution : stage) features.push_back(x = torch::relu(convolution(x)));
  }
  return features;
}

}  // namespace reenact
