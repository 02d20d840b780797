// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/mobilenet_v2.h"

#include <algorithm>

#include "torch/autocast.h"

namespace reenact {
namespace nn = torch::nn;
namespace {

/// Nearest multiple of 8, at least 8 and no more than 10 % below `channels`.
int round_channels(double channels) {
  const int rounded = std::max(8, static_cast<int>(channels + 4) / 8 * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

/// Convolution, batch normalisation, ReLU6; a class since a Sequential cannot hold another.
class ConvolutionNormReluImpl : public nn::SequentialImpl {
 public:
  ConvolutionNormReluImpl(int in, int out, int kernel, int stride, int groups)
      : nn::SequentialImpl(nn::Conv2d(nn::Conv2dOptions(in, out, kernel)
                                          .stride(stride)
                                          .padding((kernel - 1) / 2)
                                          .groups(groups)
                                          .bias(false)),
                           nn::BatchNorm2d(out), nn::ReLU6(nn::ReLU6Options().inplace(true))) {}
  torch::Tensor forward(const torch::Tensor& x) { return nn::SequentialImpl::forward(x); }
};
TORCH_MODULE(ConvolutionNormRelu);

class InvertedResidualImpl : public nn::Module {
 public:
  InvertedResidualImpl(int in, int out, int stride, int expansion) : residual_(stride == 1 && in == out) {
    const int hidden = in * expansion;
    nn::Sequential conv;
    if (expansion != 1) conv->push_back(ConvolutionNormRelu(in, hidden, 1, 1, 1));
    conv->push_back(ConvolutionNormRelu(hidden, hidden, 3, stride, hidden));
    conv->push_back(nn::Conv2d(nn::Conv2dOptions(hidden, out, 1).bias(false)));
    conv->push_back(nn::BatchNorm2d(out));
    conv_ = register_module("conv", conv);
  }
  torch::Tensor forward(const torch::Tensor& x) {
    return residual_ ? x + conv_->forward(x) : conv_->forward(x);
  }

 private:
  bool residual_;
  nn::Sequential conv_;
};
TORCH_MODULE(InvertedResidual);

struct Stage {
  int expansion, channels, blocks, stride;
};
constexpr Stage stages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                            {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

}  // namespace

MobileNetV2Impl::MobileNetV2Impl(int outputs, double width, double dropout) {
  int channels = round_channels(32 * width);
  const int last_channels = round_channels(1280 * std::max(1.0, width));
  features_->push_back(ConvolutionNormRelu(3, channels, 3, 2, 1));
  for (const auto& stage : stages) {
    const int out = round_channels(stage.channels * width);
    for (int i = 0; i < stage.blocks; ++i) {
      features_->push_back(InvertedResidual(channels, out, i == 0 ? stage.stride : 1, stage.expansion));
      channels = out;
    }
  }
  features_->push_back(ConvolutionNormRelu(channels, last_channels, 1, 1, 1));
  classifier_->push_back(nn::Dropout(dropout));
  classifier_->push_back(nn::Linear(last_channels, outputs));
  register_module("features", features_);
  register_module("classifier", classifier_);
  for (auto& module : modules(false)) {
    if (auto* convolution = module->as<nn::Conv2d>())
      nn::init::kaiming_normal_(convolution->weight, 0.0, torch::kFanOut);
    else if (auto* linear = module->as<nn::Linear>()) {
      nn::init::normal_(linear->weight, 0.0, 0.01);
      nn::init::zeros_(linear->bias);
    }
  }
}

torch::Tensor MobileNetV2Impl::forward(const torch::Tensor& rgb) {
#if TORCH_VERSION_MAJOR < 2
  // LibTorch 1.13 has no gradient of ReLU6 in bfloat16: on CPUs autocast does not reach in here.
  Autocast none(torch::kCPU, torch::kFloat);
  const auto input = rgb.is_cpu() ? rgb.to(features_->parameters().front().scalar_type()) : rgb;
#else
  const auto& input = rgb;
#endif
  // Depthwise convolutions run twice as fast with the channels innermost.
  return classifier_->forward(
      features_->forward(input.contiguous(at::MemoryFormat::ChannelsLast)).mean({2, 3}));
}

}  // namespace reenact
