// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/quantised_weights.h"

#include <algorithm>
#include <cmath>

namespace reenact::cpu {

QuantisedWeights quantised_weights(std::span<const float> weights, int out_channels,
                                   std::span<const float> input_steps, int largest_value) {
  const auto limit = static_cast<float>(largest_value);
  QuantisedWeights result{std::vector<std::int8_t>(weights.size()), std::vector<float>(out_channels)};
  const std::size_t row = weights.size() / out_channels;
  const std::size_t taps = row / input_steps.size();
  for (int o = 0; o < out_channels; ++o) {
    const float* from = weights.data() + o * row;
    float largest = 0;
    for (std::size_t i = 0; i < row; ++i)
      largest = std::max(largest, std::abs(from[i] * input_steps[i / taps]));
    const float scale = largest > 0 ? largest / limit : 1.0f;
    for (std::size_t i = 0; i < row; ++i) {
      const float steps = std::nearbyint(from[i] * input_steps[i / taps] / scale);
      result.values[o * row + i] = static_cast<std::int8_t>(std::clamp(steps, -limit, limit));
    }
    result.scales[o] = scale;
  }
  return result;
}

}  // namespace reenact::cpu
