// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/reference_networks.h"

#include <algorithm>
#include <cmath>

namespace reenact::bench {
namespace F = torch::nn::functional;
namespace {

torch::Tensor upsample_nearest(const torch::Tensor& x) {
  return F::interpolate(
      x, F::InterpolateFuncOptions().scale_factor(std::vector<double>{2.0, 2.0}).mode(torch::kNearest));
}

torch::Tensor normalized(const torch::Tensor& x, double eps) {
  return F::normalize(x, F::NormalizeFuncOptions().dim(0).eps(eps));
}

/// The authors' AdaptiveNorm2d; `next` counts the coefficients that are used up.
torch::Tensor adaptive_norm(const torch::Tensor& x, const torch::Tensor& affine, std::int64_t& next) {
  constexpr double eps = 1e-4;
  const auto channels = x.size(1);
  const auto bias = affine.narrow(1, next, channels).unsqueeze(2).unsqueeze(3);
  const auto weight = affine.narrow(1, next + channels, channels).unsqueeze(2).unsqueeze(3);
  next += 2 * channels;
  return torch::instance_norm(x, {}, {}, {}, {}, /*use_input_stats=*/true, 0.1, eps, false) * weight + bias;
}

}  // namespace

ReferenceSpectralNorm::ReferenceSpectralNorm(torch::nn::Module& owner, std::vector<std::int64_t> shape,
                                             double eps)
    : eps_(eps) {
  weight_ = owner.register_parameter("weight", torch::empty(shape));
  torch::nn::init::kaiming_uniform_(weight_, std::sqrt(5.0));
  u_ = owner.register_buffer("sn_u", normalized(torch::randn({weight_.size(0)}), eps));
  v_ = owner.register_buffer("sn_v", normalized(torch::randn({weight_.numel() / weight_.size(0)}), eps));
}

torch::Tensor ReferenceSpectralNorm::operator()(bool training) {
  auto u = u_, v = v_;
  const auto matrix = weight_.reshape({weight_.size(0), -1});
  if (training) {
    torch::NoGradGuard no_grad;
    v.copy_(normalized(torch::mv(matrix.t(), u), eps_));
    u.copy_(normalized(torch::mv(matrix, v), eps_));
    u = u.clone();
    v = v.clone();
  }
  return weight_ / torch::dot(u, torch::mv(matrix, v));
}

ReferenceConvolutionImpl::ReferenceConvolutionImpl(int in, int out, int kernel, bool bias, double eps)
    : padding_(kernel / 2), norm_(*this, {out, in, kernel, kernel}, eps) {
  const double bound = 1 / std::sqrt(static_cast<double>(in * kernel * kernel));
  if (bias) bias_ = register_parameter("bias", torch::empty({out}).uniform_(-bound, bound));
}

torch::Tensor ReferenceConvolutionImpl::forward(const torch::Tensor& x) {
  return torch::conv2d(x, norm_(is_training()), bias_, 1, padding_);
}

ReferenceGeneratorImpl::ReferenceGeneratorImpl(const ReenactorConfig& config) {
  const int upsamplings = config.upsampling_blocks();
  const auto width = [&](int block) {
    return std::min(config.num_channels << (upsamplings - block), config.max_channels);
  };
  int channels = width(0), coefficients = 0;
  constant_ =
      register_parameter("const", torch::ones({1, channels, config.constant_size, config.constant_size}));
  const auto add = [&](const std::string& name, int out, bool upsample) {
    auto owner = register_module(name, std::make_shared<torch::nn::Module>(name));
    Block block;
    block.conv1 = owner->register_module("conv1", ReferenceConvolution(channels, out, 3, false));
    block.conv2 = owner->register_module("conv2", ReferenceConvolution(out, out, 3, false));
    if (upsample) block.skip = owner->register_module("skip", ReferenceConvolution(channels, out, 1, true));
    blocks_.push_back(block);
    coefficients += 2 * (channels + out);
    channels = out;
  };
  for (int i = 0; i < config.residual_blocks; ++i) add("res" + std::to_string(i), channels, false);
  for (int i = 0; i < upsamplings; ++i) add("up" + std::to_string(i), width(i + 1), true);
  coefficients += 2 * channels;
  out_ = register_module("out", ReferenceConvolution(channels, 4, 3, true));
  projector_ = register_module("proj", std::make_shared<torch::nn::Module>("proj"));
  const auto add_linear = [&](const std::string& name, int in, int out) {
    constexpr double eps = 1e-12;
    auto owner = projector_->register_module(name, std::make_shared<torch::nn::Module>(name));
    const double bound = 1 / std::sqrt(static_cast<double>(in));
    owner->register_parameter("bias", torch::empty({out}).uniform_(-bound, bound));
    projector_norms_.emplace_back(*owner, std::vector<std::int64_t>{out, in}, eps);
  };
  add_linear("fc1", config.identity_embedding_size + config.pose_embedding_size, config.hidden_size());
  add_linear("fc2", config.hidden_size(), coefficients);
}

GeneratedHead ReferenceGeneratorImpl::forward(const torch::Tensor& identity, const torch::Tensor& pose) {
  const auto linear = [&](int i, const torch::Tensor& x) {
    return F::linear(x, projector_norms_[i](is_training()), projector_->children()[i]->parameters()[0]);
  };
  const auto affine = linear(1, torch::relu(linear(0, torch::cat({identity, pose}, 1))));
  std::int64_t next = 0;
  auto x = constant_.expand({pose.size(0), -1, -1, -1});
  for (auto& block : blocks_) {
    const bool upsamples = !block.skip.is_empty();
    auto y = torch::relu(adaptive_norm(x, affine, next));
    if (upsamples) y = upsample_nearest(y);
    y = block.conv1(y);
    y = block.conv2(torch::relu(adaptive_norm(y, affine, next)));
    x = y + (upsamples ? block.skip(upsample_nearest(x)) : x);
  }
  const auto out = torch::tanh(out_(torch::relu(adaptive_norm(x, affine, next))));
  GeneratedHead head;
  head.color = 0.75 * out.narrow(1, 0, 3) + 0.5;
  head.mask = 0.5 * out.narrow(1, 3, 1) + 0.5;
  head.rgb = head.color * head.mask;
  return head;
}

ReferenceDiscriminatorImpl::ReferenceDiscriminatorImpl(const DiscriminatorConfig& config) {
  const int poolings = std::min(static_cast<int>(std::log2(config.image_size)) - 2, config.num_blocks);
  int in = 3;
  for (int i = 0; i < config.num_blocks; ++i) {
    const int out = i == 0                       ? config.num_channels
                    : i == config.num_blocks - 1 ? config.embedding_size
                                                 : std::min(2 * in, config.max_channels);
    const std::string name = i == 0 ? "stem" : "block" + std::to_string(i - 1);
    auto owner = register_module(name, std::make_shared<torch::nn::Module>(name));
    Block block;
    block.pools = i < poolings;
    block.conv1 = owner->register_module("conv1", ReferenceConvolution(in, out, 3, true));
    block.conv2 = owner->register_module("conv2", ReferenceConvolution(out, out, 3, true));
    if (in != out || block.pools)
      block.skip = owner->register_module("skip", ReferenceConvolution(in, out, 1, true));
    blocks_.push_back(block);
    in = out;
  }
  auto score = register_module("score", std::make_shared<torch::nn::Module>("score"));
  score_bias_ = score->register_parameter("bias", torch::zeros({1}));
  score_norm_.emplace_back(*score, std::vector<std::int64_t>{1, config.embedding_size}, 1e-4);
  auto embed = register_module("embed", std::make_shared<torch::nn::Module>("embed"));
  embed_norm_.emplace_back(*embed, std::vector<std::int64_t>{config.num_labels, config.embedding_size},
                           config.embedding_eps);
}

torch::Tensor ReferenceDiscriminatorImpl::embed(const torch::Tensor& labels) {
  return torch::embedding(embed_norm_[0](is_training()), labels);
}

torch::Tensor ReferenceDiscriminatorImpl::convolve(Block& block, const torch::Tensor& x) {
  auto y = block.conv2(torch::relu(block.conv1(x)));
  if (block.pools) y = torch::avg_pool2d(y, 2);
  if (block.skip.is_empty()) return y + x;
  auto skip = block.skip(x);
  return y + (block.pools ? torch::avg_pool2d(skip, 2) : skip);
}

DiscriminatorOutput ReferenceDiscriminatorImpl::forward(const torch::Tensor& rgb,
                                                        const torch::Tensor& embedding) {
  DiscriminatorOutput output;
  auto x = convolve(blocks_[0], rgb);
  for (std::size_t i = 1; i < blocks_.size(); ++i) {
    torch::relu_(x);  // what is kept as a feature map changes with it
    output.features.push_back(x);
    x = convolve(blocks_[i], x);
  }
  output.features.push_back(x);
  const auto pooled = torch::relu(x).sum({2, 3});
  output.score =
      F::linear(pooled, score_norm_[0](is_training()), score_bias_).squeeze(1) + (pooled * embedding).sum(1);
  return output;
}

}  // namespace reenact::bench
