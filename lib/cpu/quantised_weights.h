// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace reenact::cpu {

/// Weights of a convolution in signed bytes, symmetric around zero.
struct QuantisedWeights {
  std::vector<std::int8_t> values;  ///< in the order of the weights
  std::vector<float> scales;        ///< [out] the value of one step of each output channel
};

/// Weights [out, in, ...] times `input_steps` [in], the value of one step of each input channel, in
/// 2 * `largest` steps for each output channel.
QuantisedWeights quantised_weights(std::span<const float> weights, int out_channels,
                                   std::span<const float> input_steps, int largest);

}  // namespace reenact::cpu
