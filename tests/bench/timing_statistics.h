// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace reenact::bench {

/// The value below which `share` of the values lie: 0.5 is the median. At least one value.
inline double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const auto index = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::clamp<std::size_t>(index, 1, values.size()) - 1];
}

/// To three decimals, for print.
inline double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

}  // namespace reenact::bench
