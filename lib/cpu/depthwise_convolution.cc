// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/depthwise_convolution.h"

#include "cpu/kernels/instruction_set.h"

namespace reenact::cpu {

DepthwiseConvolution::DepthwiseConvolution(const Shape& shape, std::span<const float> weights,
                                           std::span<const float> bias, std::span<const float> input_steps,
                                           std::span<const float> output_steps)
    : shape_(shape),
      out_width_((shape.in_width - 1) / shape.stride + 1),
      weights_(std::size_t{9} * shape.channels),
      bias_(shape.channels),
      kernels_(&elementwise_kernels(instruction_set())) {
  for (int c = 0; c < shape.channels; ++c) {
    for (int i = 0; i < 9; ++i)
      weights_[i * shape.channels + c] = weights[c * 9 + i] * input_steps[c] / output_steps[c];
    bias_[c] = bias[c] / output_steps[c];
  }
}

void DepthwiseConvolution::execute(const std::uint8_t* in, std::uint8_t* out, int rows) const {
  DepthwiseRow row;
  row.in_stride = static_cast<std::ptrdiff_t>(shape_.in_width) * shape_.channels;
  row.weights = weights_.data();
  row.bias = bias_.data();
  row.in_width = shape_.in_width;
  row.out_width = out_width_;
  row.channels = shape_.channels;
  row.stride = shape_.stride;
  for (int y = 0; y < rows; ++y) {
    row.in = in + y * shape_.stride * row.in_stride;
    row.out = out + static_cast<std::ptrdiff_t>(y) * out_width_ * shape_.channels;
    kernels_->depthwise(row);
  }
}

}  // namespace reenact::cpu
