// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace reenact::training {

/// Share of the learning rate at `step` of `steps`: up in a straight line over `warm_up` steps, down along half a cosine to
/// `final_share`.
inline double rate_share(std::int64_t step, std::int64_t steps, std::int64_t warm_up, double final_share) {
  const double warm = std::min(
      1.0, (static_cast<double>(step) + 1) / static_cast<double>(std::max<std::int64_t>(1, warm_up)));
  const double progress =
      std::min(1.0, static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, steps)));
  return warm * (final_share + (1 - final_share) * 0.5 * (1 + std::cos(std::numbers::pi * progress)));
}

}  // namespace reenact::training
