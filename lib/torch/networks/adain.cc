// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/adain.h"

namespace reenact {

torch::Tensor AdainCoefficients::take(std::int64_t channels) {
  auto columns = values_.narrow(1, next_, channels);
  next_ += channels;
  return columns;
}

torch::Tensor adain(const torch::Tensor& x, AdainCoefficients& coefficients) {
  constexpr double eps = 1e-4;
  const auto batch = x.size(0), channels = x.size(1);
  const auto bias = coefficients.take(channels).reshape({-1});
  const auto weight = coefficients.take(channels).reshape({-1});
  // Batch normalisation of one sample of B*C channels is instance normalisation, affine part included, in one
  // kernel.
  const auto planes = x.reshape({1, batch * channels, x.size(2), x.size(3)});
  return torch::batch_norm(planes, weight, bias, {}, {}, /*training=*/true, /*momentum=*/0.0, eps,
                           /*cudnn=*/false)
      .view_as(x);
}

void set_unit_gain(torch::Tensor bias, const std::vector<int>& channels) {
  torch::NoGradGuard no_grad;
  std::int64_t next = 0;
  for (const int count : channels) {
    bias.narrow(0, next, count).zero_();
    bias.narrow(0, next + count, count).fill_(1);
    next += 2 * count;
  }
}

}  // namespace reenact
