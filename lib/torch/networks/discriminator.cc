// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/discriminator.h"

#include <algorithm>
#include <cmath>

namespace reenact {
namespace {

constexpr int blocks_before_attention = 2;

}  // namespace

DiscriminatorBlockImpl::DiscriminatorBlockImpl(int in_channels, int out_channels, bool downsample)
    : downsample_(downsample) {
  conv1_ = register_module("conv1", SpectralNormConv2d(in_channels, out_channels, 3, 1, true));
  conv2_ = register_module("conv2", SpectralNormConv2d(out_channels, out_channels, 3, 1, true));
  if (in_channels != out_channels || downsample)
    skip_ = register_module("skip", SpectralNormConv2d(in_channels, out_channels, 1, 0, true));
}

torch::Tensor DiscriminatorBlockImpl::forward(const torch::Tensor& rectified) {
  auto y = conv2_(torch::relu(conv1_(rectified)));
  if (!downsample_) return y + (skip_.is_empty() ? rectified : skip_(rectified));
  // Pooling is linear and the skip convolution is 1x1: pool first, convolve a quarter of the pixels.
  return torch::avg_pool2d(y, 2) + skip_(torch::avg_pool2d(rectified, 2));
}

DiscriminatorStemImpl::DiscriminatorStemImpl(int in_channels, int out_channels) {
  conv1_ = register_module("conv1", SpectralNormConv2d(in_channels, out_channels, 3, 1, true));
  conv2_ = register_module("conv2", SpectralNormConv2d(out_channels, out_channels, 3, 1, true));
  skip_ = register_module("skip", SpectralNormConv2d(in_channels, out_channels, 1, 0, true));
}

torch::Tensor DiscriminatorStemImpl::forward(const torch::Tensor& x) {
  return torch::avg_pool2d(conv2_(torch::relu(conv1_(x))), 2) + skip_(torch::avg_pool2d(x, 2));
}

DiscriminatorImpl::DiscriminatorImpl(const DiscriminatorConfig& config) {
  const int down_blocks = std::min(static_cast<int>(std::log2(config.image_size)) - 2, config.num_blocks);
  int channels = config.num_channels;
  stem_ = register_module("stem", DiscriminatorStem(config.in_channels, channels));
  for (int i = 1; i < config.num_blocks; ++i) {
    const int out =
        i == config.num_blocks - 1 ? config.embedding_size : std::min(2 * channels, config.max_channels);
    blocks_.push_back(
        register_module("block" + std::to_string(i - 1), DiscriminatorBlock(channels, out, i < down_blocks)));
    channels = out;
    if (config.self_attention && i == blocks_before_attention)
      attention_ = register_module("attention", SelfAttention(channels));
  }
  score_ = register_module("score", SpectralNormLinear(config.embedding_size, 1));
  embed_ = register_module(
      "embed", SpectralNormEmbedding(config.num_labels, config.embedding_size, config.embedding_eps));
}

torch::Tensor with_condition(const torch::Tensor& rgb, const torch::Tensor& condition) {
  return torch::stack({condition, rgb}, 2).flatten(1, 2);
}

torch::Tensor DiscriminatorImpl::embed(const torch::Tensor& labels) {
  return embed_(labels);
}

DiscriminatorOutput DiscriminatorImpl::forward(const torch::Tensor& rgb, const torch::Tensor& embedding) {
  DiscriminatorOutput output;
  auto x = stem_(rgb);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    x = torch::relu(x);
    output.features.push_back(x);
    x = blocks_[i](x);
    if (i + 1 == blocks_before_attention && !attention_.is_empty()) x = attention_(x);
  }
  output.features.push_back(x);
  const auto pooled = torch::relu(x).to(torch::kFloat).sum({2, 3});
  output.score = score_(pooled).to(torch::kFloat).squeeze(1) + (pooled * embedding).sum(1);
  return output;
}

}  // namespace reenact
