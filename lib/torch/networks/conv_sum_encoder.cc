// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/conv_sum_encoder.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace reenact {

ConvSumEncoderImpl::ConvSumEncoderImpl(int in_channels, int image_size, int outputs, double width,
                                       bool self_attention) {
  constexpr int first = 64, most = 512, last_side = 4, attended_scale = 8;
  const auto scaled = [&](int count) { return std::max(1, static_cast<int>(std::lround(width * count))); };
  int channels = first;
  stem_ = register_module("stem", DiscriminatorStem(in_channels, scaled(channels)));
  int before = scaled(channels);
  for (int side = image_size / 2; side > last_side; side /= 2) {
    channels = std::min(2 * channels, most);
    const int out = side / 2 <= last_side ? outputs : scaled(channels);
    blocks_.push_back(
        register_module("block" + std::to_string(blocks_.size()), DiscriminatorBlock(before, out, true)));
    before = out;
    if (self_attention && side / 2 == image_size / attended_scale)
      attention_ = register_module("attention", SelfAttention(out));
  }
}

torch::Tensor ConvSumEncoderImpl::forward(const torch::Tensor& pictures) {
  constexpr std::size_t blocks_before_attention = 2;
  auto x = stem_(pictures);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    x = blocks_[i](torch::relu(x));
    if (i + 1 == blocks_before_attention && !attention_.is_empty()) x = attention_(x);
  }
  return torch::relu(x).to(torch::kFloat).sum({2, 3});
}

}  // namespace reenact
