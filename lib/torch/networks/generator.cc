// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/generator.h"

#include <algorithm>

namespace reenact {
namespace F = torch::nn::functional;
namespace {

torch::Tensor upsample_nearest(const torch::Tensor& x) {
  return F::interpolate(
      x, F::InterpolateFuncOptions().scale_factor(std::vector<double>{2.0, 2.0}).mode(torch::kNearest));
}

}  // namespace

GeneratorBlockImpl::GeneratorBlockImpl(int in_channels, int out_channels, bool upsample,
                                       bool reflection_padding)
    : upsample_(upsample), reflection_padding_(reflection_padding) {
  const int padding = reflection_padding ? 0 : 1;
  conv1_ = register_module("conv1", SpectralNormConv2d(in_channels, out_channels, 3, padding, false));
  conv2_ = register_module("conv2", SpectralNormConv2d(out_channels, out_channels, 3, padding, false));
  if (upsample) skip_ = register_module("skip", SpectralNormConv2d(in_channels, out_channels, 1, 0, true));
}

torch::Tensor GeneratorBlockImpl::convolve(SpectralNormConv2d& convolution, const torch::Tensor& x) {
  return convolution(reflection_padding_ ? torch::reflection_pad2d(x, {1, 1, 1, 1}) : x);
}

torch::Tensor GeneratorBlockImpl::forward(const torch::Tensor& x, AdainCoefficients& coefficients) {
  auto y = torch::relu(adain(x, coefficients));
  y = convolve(conv1_, upsample_ ? upsample_nearest(y) : y);
  y = convolve(conv2_, torch::relu(adain(y, coefficients)));
  // A 1x1 convolution commutes with nearest-neighbour upsampling and costs a quarter before it.
  return y + (upsample_ ? upsample_nearest(skip_(x)) : x);
}

AdainProjectorImpl::AdainProjectorImpl(int inputs, int hidden, int outputs, bool leaky) {
  if (leaky) {
    plain_ = {register_module("fc1", torch::nn::Linear(inputs, hidden)),
              register_module("fc2", torch::nn::Linear(hidden, hidden)),
              register_module("fc3", torch::nn::Linear(hidden, outputs))};
    return;
  }
  constexpr double eps = 1e-12;
  fc1_ = register_module("fc1", SpectralNormLinear(inputs, hidden, eps));
  fc2_ = register_module("fc2", SpectralNormLinear(hidden, outputs, eps));
}

torch::Tensor AdainProjectorImpl::output_bias() {
  return plain_.empty() ? fc2_->named_parameters()["bias"] : plain_.back()->bias;
}

torch::Tensor AdainProjectorImpl::forward(const torch::Tensor& joint) {
  constexpr double slope = 0.05;
  if (!plain_.empty()) {
    const auto hidden = torch::leaky_relu(plain_[0](joint), slope);
    return plain_[2](torch::leaky_relu(plain_[1](hidden), slope));
  }
  return fc2_(torch::relu(fc1_(joint)));
}

GeneratorNetworkImpl::GeneratorNetworkImpl(const ReenactorConfig& config) {
  const int upsamplings = config.upsampling_blocks();
  const auto width = [&](int block) {
    return std::min(config.num_channels << (upsamplings - block), config.max_channels);
  };
  int channels = width(0), coefficient_count = 0;
  constant_ =
      register_parameter("const", torch::ones({1, channels, config.constant_size, config.constant_size}));
  const auto add_block = [&](const std::string& name, int out, bool upsample) {
    blocks_.push_back(
        register_module(name, GeneratorBlock(channels, out, upsample, config.reflection_padding)));
    block_names_.push_back(name);
    coefficient_count += GeneratorBlockImpl::coefficient_count(channels, out);
    adain_channels_.insert(adain_channels_.end(), {channels, out});
    channels = out;
    if (static_cast<int>(blocks_.size()) <= config.identity_blocks)
      identity_coefficients_ = coefficient_count;
  };
  for (int i = 0; i < config.residual_blocks; ++i) add_block("res" + std::to_string(i), channels, false);
  for (int i = 0; i < upsamplings; ++i) add_block("up" + std::to_string(i), width(i + 1), true);
  coefficient_count += 2 * channels;
  adain_channels_.push_back(channels);
  out_ = register_module("out", SpectralNormConv2d(channels, 4, 3, 1, true));
  projector_ = register_module(
      "proj", AdainProjector(config.identity_embedding_size + config.pose_embedding_size,
                             config.hidden_size(), coefficient_count, config.projector == "leaky"));
}

void GeneratorNetworkImpl::initialize_unit_gain() {
  torch::NoGradGuard no_grad;
  constant_.normal_();
  set_unit_gain(projector_->output_bias(), adain_channels_);
}

torch::Tensor GeneratorNetworkImpl::coefficients(const torch::Tensor& identity, const torch::Tensor& pose) {
  const auto persons = identity.expand({pose.size(0), -1});
  const auto moving = projector_(torch::cat({persons, pose}, 1)).to(torch::kFloat);
  if (identity_coefficients_ == 0) return moving;
  const auto still = projector_(torch::cat({persons, torch::zeros_like(pose)}, 1)).to(torch::kFloat);
  return torch::cat({still.narrow(1, 0, identity_coefficients_),
                     moving.narrow(1, identity_coefficients_, moving.size(1) - identity_coefficients_)},
                    1);
}

GeneratedHead GeneratorNetworkImpl::forward(const torch::Tensor& identity, const torch::Tensor& pose) {
  AdainCoefficients adain_coefficients(coefficients(identity, pose));
  auto x = constant_.expand({pose.size(0), -1, -1, -1});
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    x = blocks_[i]->forward(x, adain_coefficients);
    if (observer) observer(block_names_[i], x);
  }
  x = torch::relu(adain(x, adain_coefficients));
  if (observer) observer("norm", x);
  const auto out = torch::tanh(out_(x).to(torch::kFloat));
  if (observer) observer("out", out);
  GeneratedHead head;
  head.color = 0.75 * out.narrow(1, 0, 3) + 0.5;
  head.mask = 0.5 * out.narrow(1, 3, 1) + 0.5;
  head.rgb = head.color * head.mask;
  return head;
}

}  // namespace reenact
