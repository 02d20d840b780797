// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include "torch/networks/spectral_norm.h"

namespace reenact {

/// Self-attention over the places of a map (Zhang et al., SAGAN, ICML 2019): the map plus gamma times its values mixed by
/// likeness. gamma begins at 0, so that an untrained layer changes nothing.
class SelfAttentionImpl : public torch::nn::Module {
 public:
  explicit SelfAttentionImpl(int channels);
  /// [B, C, H, W] -> the same
  torch::Tensor forward(const torch::Tensor& x);

 private:
  SpectralNormConv2d query_ = nullptr, key_ = nullptr, value_ = nullptr;
  torch::Tensor gamma_;
};
TORCH_MODULE(SelfAttention);

}  // namespace reenact
