// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "cpu/folded_weights.h"

namespace reenact::cpu {

/// What the bytes of a map stand for: value = (byte - zero) * step, for each channel.
struct ByteRange {
  std::vector<float> steps;  ///< [channels]
  std::vector<float> zeros;  ///< [channels], whole numbers; empty: 0
};

/// The range of a batch normalisation's output after a ReLU that is clipped at `limit`, by the mean and the deviation that
/// the normalisation gives it: no pictures are needed to find it (Nagel et al., "Data-Free Quantization Through Weight
/// Equalization and Bias Correction", ICCV 2019, section 5).
ByteRange rectified_range(const NormalisedOutput& output, float limit);
/// The same without a ReLU.
ByteRange signed_range(const NormalisedOutput& output);

}  // namespace reenact::cpu
