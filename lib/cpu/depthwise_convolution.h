// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cpu/kernels/elementwise.h"

namespace reenact::cpu {

/// A depthwise 3x3 convolution, padded by one, from bytes to bytes: weights and sums are floats, so that rounding the
/// result is all that it loses. Immutable, used by several threads at a time.
class DepthwiseConvolution {
 public:
  struct Shape {
    int in_width = 0;
    int channels = 0;
    int stride = 1;  ///< 1 or 2
  };

  /// `weights` [channels, 1, 3, 3] and `bias` [channels] of the values; `input_steps` and `output_steps` [channels] are
  /// the values of one step of the bytes.
  DepthwiseConvolution(const Shape& shape, std::span<const float> weights, std::span<const float> bias,
                       std::span<const float> input_steps, std::span<const float> output_steps);

  /// `rows` rows of the output; `in` is the row above the first one's middle row.
  void execute(const std::uint8_t* in, std::uint8_t* out, int rows) const;

 private:
  Shape shape_;
  int out_width_;
  std::vector<float> weights_, bias_;  // [9][channels], [channels], in steps
  const ElementwiseKernels* kernels_;
};

}  // namespace reenact::cpu
