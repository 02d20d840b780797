// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/fsth_generator.h"

#include <algorithm>
#include <string>

#include "torch/networks/adain.h"

namespace reenact {
namespace {

torch::nn::InstanceNorm2d fsth_norm(int channels) {
  return torch::nn::InstanceNorm2d(torch::nn::InstanceNorm2dOptions(channels).affine(true).eps(1e-4));
}

}  // namespace

FsthDownBlockImpl::FsthDownBlockImpl(int in_channels, int out_channels) {
  norm1_ = register_module("norm1", fsth_norm(in_channels));
  conv1_ = register_module("conv1", SpectralNormConv2d(in_channels, out_channels, 3, 1, false));
  norm2_ = register_module("norm2", fsth_norm(out_channels));
  conv2_ = register_module("conv2", SpectralNormConv2d(out_channels, out_channels, 3, 1, false));
  skip_ = register_module("skip", SpectralNormConv2d(in_channels, out_channels, 1, 0, true));
}

torch::Tensor FsthDownBlockImpl::forward(const torch::Tensor& x) {
  const auto y = conv2_(torch::relu(norm2_(conv1_(torch::relu(norm1_(x))))));
  // Pooling is linear and the skip convolution is 1x1: pool first, convolve a quarter of the pixels.
  return torch::avg_pool2d(y, 2) + skip_(torch::avg_pool2d(x, 2));
}

FsthGeneratorImpl::FsthGeneratorImpl(const ReenactorConfig& config) {
  constexpr int steps = 4, residual_blocks = 4;  // steps down, the stem included, and as many up
  constexpr int attended_down_scale = 8, attended_up_scale = 4;
  const auto width = [&](int step) { return std::min(config.num_channels << step, config.max_channels); };
  int channels = width(0), scale = 2;
  stem_ = register_module("stem", DiscriminatorStem(3, channels));
  for (int i = 1; i < steps; ++i) {
    down_.push_back(register_module("down" + std::to_string(i - 1), FsthDownBlock(channels, width(i))));
    channels = width(i);
    scale *= 2;
    if (!config.self_attention || scale != attended_down_scale) continue;
    down_attention_ = register_module("down_attention", SelfAttention(channels));
    attended_down_ = down_.size();
  }
  int coefficients = 0;
  const auto add_block = [&](const std::string& name, int out, bool upsample) {
    blocks_.push_back(register_module(name, GeneratorBlock(channels, out, upsample, false)));
    coefficients += GeneratorBlockImpl::coefficient_count(channels, out);
    adain_channels_.insert(adain_channels_.end(), {channels, out});
    channels = out;
  };
  for (int i = 0; i < residual_blocks; ++i) add_block("res" + std::to_string(i), channels, false);
  for (int i = 0; i < steps; ++i) {
    add_block("up" + std::to_string(i), width(steps - 1 - i), true);
    scale /= 2;
    if (!config.self_attention || scale != attended_up_scale) continue;
    up_attention_ = register_module("up_attention", SelfAttention(channels));
    attended_block_ = blocks_.size();
  }
  coefficients += 2 * channels;
  adain_channels_.push_back(channels);
  out_ = register_module("out", SpectralNormConv2d(channels, 3, 3, 1, true));
  project_ = register_module("project", SpectralNormLinear(config.identity_embedding_size, coefficients));
}

void FsthGeneratorImpl::initialize_unit_gain() {
  torch::NoGradGuard no_grad;
  set_unit_gain(project_->named_parameters()["bias"], adain_channels_);
}

GeneratedHead FsthGeneratorImpl::forward(const torch::Tensor& identity, const torch::Tensor& stickman) {
  auto x = stem_(stickman);
  for (std::size_t i = 0; i < down_.size(); ++i) {
    x = down_[i](x);
    if (i + 1 == attended_down_) x = down_attention_(x);
  }
  AdainCoefficients coefficients(project_(identity).to(torch::kFloat).expand({stickman.size(0), -1}));
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    x = blocks_[i]->forward(x, coefficients);
    if (i + 1 == attended_block_) x = up_attention_(x);
  }
  GeneratedHead head;
  head.color = torch::tanh(out_(torch::relu(adain(x, coefficients))).to(torch::kFloat));
  head.mask = torch::ones_like(head.color.narrow(1, 0, 1));
  head.rgb = head.color;
  return head;
}

HeadGenerator make_head_generator(const ReenactorConfig& config) {
  std::shared_ptr<HeadGeneratorImpl> network;
  if (config.architecture == "fsth")
    network = FsthGenerator(config).ptr();
  else
    network = GeneratorNetwork(config).ptr();
  return HeadGenerator(network);
}

}  // namespace reenact
