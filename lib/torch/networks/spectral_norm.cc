// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/spectral_norm.h"

#include <cmath>

#include "torch/autocast.h"

namespace reenact {
namespace {

torch::Tensor unit_vector(const torch::Tensor& x, double eps) {
  return x / x.norm().clamp_min(eps);
}

torch::Tensor initial_weight(std::vector<std::int64_t> shape) {
  auto weight = torch::empty(shape);
  torch::nn::init::kaiming_uniform_(weight, std::sqrt(5.0));
  return weight;
}

torch::Tensor initial_bias(int out, std::int64_t fan_in) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
  return torch::empty({out}).uniform_(-bound, bound);
}

}  // namespace

SpectralNorm::SpectralNorm(torch::nn::Module& owner, torch::Tensor initial, double eps) : eps_(eps) {
  const auto out = initial.size(0), rest = initial.numel() / out;
  weight = owner.register_parameter("weight", initial);
  u = owner.register_buffer("sn_u", unit_vector(torch::randn({out}), eps));
  v = owner.register_buffer("sn_v", unit_vector(torch::randn({rest}), eps));
}

void SpectralNorm::iterate() {
  torch::NoGradGuard no_grad;
  const auto matrix = weight.reshape({weight.size(0), -1});
  v.copy_(unit_vector(torch::mv(matrix.t(), u), eps_));
  u.copy_(unit_vector(torch::mv(matrix, v), eps_));
}

void SpectralNorm::converge(int iterations) {
  for (int i = 0; i < iterations; ++i) iterate();
}

torch::Tensor SpectralNorm::normalized_weight(bool training) {
  Autocast full_precision(weight.device().type(), torch::kFloat);
  if (folded_) return weight;
  if (training) iterate();
  // Copies, since the next pass of the same step advances u and v in place and backward still needs these.
  const auto left = training ? u.clone() : u, right = training ? v.clone() : v;
  const auto sigma = torch::dot(left, torch::mv(weight.reshape({weight.size(0), -1}), right));
  return weight / sigma;
}

void SpectralNorm::fold() {
  torch::NoGradGuard no_grad;
  if (!folded_) weight.copy_(normalized_weight(false));
  folded_ = true;
}

SpectralNormConv2dImpl::SpectralNormConv2dImpl(int in_channels, int out_channels, int kernel_size,
                                               int padding, bool bias, double eps, int stride)
    : padding_(padding),
      stride_(stride),
      bias_(bias ? register_parameter("bias",
                                      initial_bias(out_channels, in_channels * kernel_size * kernel_size))
                 : torch::Tensor()),
      norm_(*this, initial_weight({out_channels, in_channels, kernel_size, kernel_size}), eps) {}

torch::Tensor SpectralNormConv2dImpl::forward(const torch::Tensor& x) {
  return torch::conv2d(x, norm_.normalized_weight(is_training()), bias_, stride_, padding_);
}

SpectralNormLinearImpl::SpectralNormLinearImpl(int in_features, int out_features, double eps)
    : bias_(register_parameter("bias", initial_bias(out_features, in_features))),
      norm_(*this, initial_weight({out_features, in_features}), eps) {}

torch::Tensor SpectralNormLinearImpl::forward(const torch::Tensor& x) {
  return torch::nn::functional::linear(x, norm_.normalized_weight(is_training()), bias_);
}

SpectralNormEmbeddingImpl::SpectralNormEmbeddingImpl(int rows, int size, double eps)
    : norm_(*this, torch::empty({rows, size}).uniform_(-0.1, 0.1), eps) {}

torch::Tensor SpectralNormEmbeddingImpl::forward(const torch::Tensor& rows) {
  return norm_.normalized_weight(is_training()).index_select(0, rows);
}

void fold_spectral_norms(torch::nn::Module& module) {
  for (auto& child : module.modules(false)) {
    if (auto* convolution = child->as<SpectralNormConv2dImpl>()) convolution->norm().fold();
    if (auto* linear = child->as<SpectralNormLinearImpl>()) linear->norm().fold();
  }
}

}  // namespace reenact
