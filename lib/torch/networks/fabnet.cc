// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/fabnet.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "torch/networks/x2face.h"

namespace reenact {
namespace F = torch::nn::functional;
namespace {

int fabnet_levels(int image_size) {
  return static_cast<int>(std::lround(std::log2(image_size)));
}

/// Channels at a level: 32, 64, 128, 256, 256, ...
int fabnet_channels(int level, double width) {
  constexpr int first = 32, most = 256;
  return std::max(1, static_cast<int>(std::lround(width * std::min(first << std::min(level, 8), most))));
}

}  // namespace

FabNetEncoderImpl::FabNetEncoderImpl(int image_size, int code_size, double width) {
  const int levels = fabnet_levels(image_size);
  int channels = 3;
  for (int level = 0; level < levels; ++level) {
    const bool last = level == levels - 1;
    const int out = last ? code_size : fabnet_channels(level, width);
    const auto number = std::to_string(level);
    convolutions_.push_back(register_module(
        "enc" + number, torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, out, 4).stride(2).padding(1))));
    norms_.push_back(level > 0 && !last ? register_module("enc" + number + "_bn", torch::nn::BatchNorm2d(out))
                                        : torch::nn::BatchNorm2d(nullptr));
    channels = out;
  }
}

torch::Tensor FabNetEncoderImpl::forward(const torch::Tensor& rgb) {
  auto x = rgb;
  for (std::size_t i = 0; i < convolutions_.size(); ++i) {
    x = convolutions_[i](x);
    if (!norms_[i].is_empty()) x = norms_[i](x);
    if (i + 1 < convolutions_.size()) x = torch::leaky_relu(x, 0.2);
  }
  return x.flatten(1);
}

FabNetDecoderImpl::FabNetDecoderImpl(int image_size, int code_size, int outputs, double width) {
  const int levels = fabnet_levels(image_size);
  int channels = 2 * code_size;
  for (int level = levels - 1; level >= 0; --level) {
    const int out = level == 0 ? outputs : fabnet_channels(level - 1, width);
    const auto number = std::to_string(levels - 1 - level);
    convolutions_.push_back(register_module(
        "conv" + number, torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, out, 3).padding(1))));
    norms_.push_back(level > 0 ? register_module("conv" + number + "_bn", torch::nn::BatchNorm2d(out))
                               : torch::nn::BatchNorm2d(nullptr));
    channels = out;
  }
}

torch::Tensor FabNetDecoderImpl::forward(const torch::Tensor& codes) {
  auto x = codes.view({codes.size(0), codes.size(1), 1, 1});
  for (std::size_t i = 0; i < convolutions_.size(); ++i) {
    // The authors' upsampling has no flag, and theirs was trained with either meaning; this is the present one.
    x = convolutions_[i](F::interpolate(torch::relu(x), F::InterpolateFuncOptions()
                                                            .scale_factor(std::vector<double>{2.0, 2.0})
                                                            .mode(torch::kBilinear)
                                                            .align_corners(false)));
    if (!norms_[i].is_empty()) x = norms_[i](x);
  }
  return torch::tanh(x);
}

FabNetImpl::FabNetImpl(int image_size, int code_size, double width) {
  encoder = register_module("encoder", FabNetEncoder(image_size, code_size, width));
  flow = register_module("flow", FabNetDecoder(image_size, code_size, 2, width));
  mask = register_module("mask", FabNetDecoder(image_size, code_size, 1, width));
}

torch::Tensor FabNetImpl::forward(const torch::Tensor& sources, const torch::Tensor& target) {
  const auto batch = sources.size(0), count = sources.size(1), side = sources.size(3);
  const auto flat = sources.flatten(0, 1);
  const auto wanted = encoder(target).unsqueeze(1).expand({-1, count, -1}).flatten(0, 1);
  const auto codes = torch::cat({encoder(flat), wanted}, 1);
  const auto grid = identity_grid(side, sources.device());
  const auto places = (flow(codes) + grid).clamp(-1, 1);
  const auto sampled = warped(flat, places - grid).view({batch, count, 3, side, side});
  const auto share = torch::softmax(mask(codes).view({batch, count, 1, side, side}), 1);
  return (sampled * share).sum(1);
}

}  // namespace reenact
