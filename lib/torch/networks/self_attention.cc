// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/self_attention.h"

#include <algorithm>

namespace reenact {

SelfAttentionImpl::SelfAttentionImpl(int channels) {
  constexpr int reduction = 8;
  const int inner = std::max(1, channels / reduction);
  query_ = register_module("query", SpectralNormConv2d(channels, inner, 1, 0, true));
  key_ = register_module("key", SpectralNormConv2d(channels, inner, 1, 0, true));
  value_ = register_module("value", SpectralNormConv2d(channels, channels, 1, 0, true));
  gamma_ = register_parameter("gamma", torch::zeros({1}));
}

torch::Tensor SelfAttentionImpl::forward(const torch::Tensor& x) {
  const auto likeness = torch::bmm(query_(x).flatten(2).transpose(1, 2), key_(x).flatten(2));
  const auto mixed = torch::bmm(value_(x).flatten(2), torch::softmax(likeness, 2).transpose(1, 2));
  return x + gamma_ * mixed.view_as(x);
}

}  // namespace reenact
