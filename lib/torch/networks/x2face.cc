// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/x2face.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace reenact {
namespace F = torch::nn::functional;
namespace {

constexpr double x2face_slope = 0.2;

int x2face_levels(int image_size) {
  return static_cast<int>(std::lround(std::log2(image_size)));
}

int x2face_scaled(double width, int channels) {
  return std::max(1, static_cast<int>(std::lround(width * channels)));
}

/// Channels of every level but the innermost: 64, 128, 256, 512, 512, ...
int x2face_channels(int level, double width) {
  constexpr int first = 64, most = 512;
  return x2face_scaled(width, std::min(first << std::min(level, 8), most));
}

torch::nn::Conv2d x2face_convolution(int in, int out, int kernel, int stride) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(1).bias(false));
}

}  // namespace

X2FaceDownImpl::X2FaceDownImpl(int in_channels, int out_channels, bool activated, bool normalized)
    : activated_(activated) {
  conv_ = register_module("conv", x2face_convolution(in_channels, out_channels, 4, 2));
  if (normalized) bn_ = register_module("bn", torch::nn::BatchNorm2d(out_channels));
}

torch::Tensor X2FaceDownImpl::forward(const torch::Tensor& x) {
  const auto y = conv_(activated_ ? torch::leaky_relu(x, x2face_slope) : x);
  return bn_.is_empty() ? y : bn_(y);
}

X2FaceUpImpl::X2FaceUpImpl(int in_channels, int out_channels, bool normalized) {
  conv_ = register_module("conv", x2face_convolution(in_channels, out_channels, 3, 1));
  if (normalized) bn_ = register_module("bn", torch::nn::BatchNorm2d(out_channels));
}

torch::Tensor X2FaceUpImpl::forward(const torch::Tensor& x) {
  const auto larger = F::interpolate(torch::relu(x), F::InterpolateFuncOptions()
                                                         .scale_factor(std::vector<double>{2.0, 2.0})
                                                         .mode(torch::kBilinear)
                                                         .align_corners(true));
  const auto y = conv_(larger);
  return bn_.is_empty() ? y : bn_(y);
}

X2FaceEncoderImpl::X2FaceEncoderImpl(int image_size, int code_size, double width) {
  const int levels = x2face_levels(image_size);
  int channels = 3;
  for (int level = 0; level < levels; ++level) {
    const bool last = level == levels - 1;
    const int out = last ? code_size : x2face_channels(level, width);
    down_.push_back(register_module("down" + std::to_string(level),
                                    X2FaceDown(channels, out, level > 0, level > 0 && !last)));
    channels = out;
  }
}

std::vector<torch::Tensor> X2FaceEncoderImpl::maps(const torch::Tensor& rgb) {
  std::vector<torch::Tensor> maps;
  auto x = rgb;
  for (auto& down : down_) maps.push_back(x = down(x));
  return maps;
}

X2FaceUnetImpl::X2FaceUnetImpl(int image_size, int inner_size, int outputs, double width, bool skips,
                               bool bounded)
    : X2FaceEncoderImpl(image_size, inner_size, width), skips_(skips), bounded_(bounded) {
  const int levels = x2face_levels(image_size);
  for (int level = levels - 1; level >= 0; --level) {
    const bool innermost = level == levels - 1;
    const int from = innermost ? inner_size : x2face_channels(level, width) * (skips ? 2 : 1);
    const int to = level == 0 ? outputs : x2face_channels(level - 1, width);
    up_.push_back(register_module("up" + std::to_string(level), X2FaceUp(from, to, level > 0)));
  }
}

torch::Tensor X2FaceUnetImpl::forward(const torch::Tensor& rgb) {
  const auto down = maps(rgb);
  auto x = down.back();
  for (std::size_t i = 0; i < up_.size(); ++i) {
    // The step down beside it had rectified its input leakily in place; the ReLU that follows makes that the same.
    if (skips_ && i > 0) x = torch::cat({x, down[down.size() - 1 - i]}, 1);
    x = up_[i](x);
  }
  return bounded_ ? torch::tanh(x) : x;
}

torch::Tensor identity_grid(std::int64_t size, const torch::Device& device) {
  const auto line = torch::linspace(-1, 1, size, torch::TensorOptions().device(device));
  const auto x = line.view({1, size}).expand({size, size}), y = line.view({size, 1}).expand({size, size});
  return torch::stack({x, y}).unsqueeze(0);
}

torch::Tensor warped(const torch::Tensor& pictures, const torch::Tensor& offsets) {
  const auto places = (offsets + identity_grid(offsets.size(2), offsets.device())).permute({0, 2, 3, 1});
  return F::grid_sample(
      pictures, places,
      F::GridSampleFuncOptions().mode(torch::kBilinear).padding_mode(torch::kZeros).align_corners(true));
}

X2FaceImpl::X2FaceImpl(const WarperConfig& config) {
  constexpr int offset_channels = 2, channels_with_confidence = 3;
  const int inner = x2face_scaled(config.width, 512);
  drive_ = register_module(
      "x2drive", X2FaceUnet(config.image_size, config.code_size, offset_channels, config.width, false, true));
  embed_ = register_module(
      "x2embed", X2FaceUnet(config.image_size, inner, channels_with_confidence, config.width, true, false));
}

torch::Tensor X2FaceImpl::face(const torch::Tensor& sources, bool confident) {
  constexpr double least_confidence = 0.1;
  const auto batch = sources.size(0), count = sources.size(1);
  const auto flat = sources.flatten(0, 1);
  const auto out = embed_->forward(flat).to(torch::kFloat);
  const auto weight = torch::exp(out.narrow(1, 2, 1)) + (confident ? least_confidence : 0.0);
  const auto unwrapped = warped(flat, torch::tanh(out.narrow(1, 0, 2)));
  const auto side = sources.size(3);
  const auto sum = (unwrapped * weight).view({batch, count, 3, side, side}).sum(1);
  return sum / weight.view({batch, count, 1, side, side}).sum(1);
}

torch::Tensor X2FaceImpl::offsets(const torch::Tensor& drivers) {
  return torch::tanh(drive_->forward(drivers).to(torch::kFloat));
}

torch::Tensor X2FaceImpl::draw(const torch::Tensor& faces, const torch::Tensor& drivers) {
  return warped(faces.expand({drivers.size(0), -1, -1, -1}), offsets(drivers)).clamp(0, 1);
}

}  // namespace reenact
