// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/compared/loss_curriculum.h"

#include <algorithm>
#include <cmath>

namespace reenact::training {

torch::Tensor LossCurriculum::mean_of(const torch::Tensor& losses) const {
  const auto count = losses.size(0);
  const auto first = std::min<std::int64_t>(count - 1, std::llround(lower() * static_cast<double>(count)));
  const auto last =
      std::clamp<std::int64_t>(std::llround(upper() * static_cast<double>(count)), first + 1, count);
  return std::get<0>(losses.sort()).slice(0, first, last).mean();
}

void LossCurriculum::validated(double error) {
  constexpr double step = 0.1, last_upper = 0.85, fall = 0.1;
  if (best_ < 0 || error < best_) {
    best_ = error;
    stale_ = 0;
    return;
  }
  if (++stale_ <= patience_) return;
  stale_ = 0;
  if (upper() < last_upper)
    lower_ += step;
  else
    rate_share_ *= fall;
}

torch::Tensor LossCurriculum::state() const {
  return torch::tensor({lower_, rate_share_, best_, static_cast<double>(stale_)}, torch::kDouble);
}

void LossCurriculum::set_state(const torch::Tensor& state) {
  lower_ = state[0].item<double>();
  rate_share_ = state[1].item<double>();
  best_ = state[2].item<double>();
  stale_ = static_cast<int>(state[3].item<double>());
}

}  // namespace reenact::training
