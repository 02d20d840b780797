// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <vector>

namespace reenact {

/// Hands out the AdaIN coefficients of one forward pass in the order in which the generator meets its layers:
/// for each layer first C biases, then C weights (the authors' order).
class AdainCoefficients {
 public:
  /// `values` [B, total], the output of the AdaIN MLP.
  explicit AdainCoefficients(torch::Tensor values) : values_(std::move(values)) {}
  /// The next `channels` columns, [B, channels].
  torch::Tensor take(std::int64_t channels);

 private:
  torch::Tensor values_;
  std::int64_t next_ = 0;
};

/// Adaptive instance normalisation (Huang and Belongie, ICCV 2017; section 3.2 of the paper):
/// (x - mean) / sqrt(biased variance + 1e-4) * weight + bias for every channel of every sample. `x` [B, C, H,
/// W].
torch::Tensor adain(const torch::Tensor& x, AdainCoefficients& coefficients);

/// Gives the layer of this bias [total] coefficients of bias 0 and weight 1 on average; `channels` of each AdaIN layer.
void set_unit_gain(torch::Tensor bias, const std::vector<int>& channels);

}  // namespace reenact
