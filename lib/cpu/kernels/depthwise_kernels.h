// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

// Part of elementwise_kernels.h, for the vectors that its including file chose.

namespace reenact::cpu {
namespace {

/// A vector of channels, of which the last may be part of one. A column of the input is loaded once, and goes into the
/// two or three outputs that see it.
template <int stride, bool partial>
inline void depthwise_channels(const DepthwiseRow& row, int first, int rest) {
  const auto get = [rest](const auto* p) {
    if constexpr (partial) return load(p, rest);
    return load(p);
  };
  const auto put = [rest](std::uint8_t* p, Vector value) {
    if constexpr (partial) {
      store(p, value, rest);
    } else {
      store(p, value);
    }
  };
  Vector weights[9];
#pragma GCC unroll 9
  for (int i = 0; i < 9; ++i)
    weights[i] = get(row.weights + static_cast<std::ptrdiff_t>(i) * row.channels + first);
  const Vector bias = get(row.bias + first);
  const std::uint8_t* in = row.in + first;
  std::uint8_t* out = row.out + first;
  struct Column {
    Vector upper, middle, lower;
  };
  const auto column = [&](int x) {
    const std::uint8_t* p = in + static_cast<std::ptrdiff_t>(x) * row.channels;
    return Column{get(p), get(p + row.in_stride), get(p + 2 * row.in_stride)};
  };
  // What the kernel's column `x` of 3 adds.
  const auto add_column = [&](Vector sum, const Column& values, int x) {
    sum = multiply_add(values.upper, weights[x], sum);
    sum = multiply_add(values.middle, weights[3 + x], sum);
    return multiply_add(values.lower, weights[6 + x], sum);
  };
  if constexpr (stride == 1) {
    const Column left = column(0);
    Vector before = add_column(bias, left, 1), here = add_column(bias, left, 0);
    for (int x = 1; x < row.in_width; ++x, out += row.channels) {
      const Column values = column(x);
      put(out, add_column(before, values, 2));
      before = add_column(here, values, 1);
      here = add_column(bias, values, 0);
    }
    put(out, before);
  } else {
    Vector sum = bias;
    for (int x = 0; x < row.out_width; ++x, out += row.channels) {
      sum = add_column(sum, column(2 * x), 1);
      if (2 * x + 1 == row.in_width) {
        put(out, sum);
        break;
      }
      const Column right = column(2 * x + 1);
      put(out, add_column(sum, right, 2));
      sum = add_column(bias, right, 0);
    }
  }
}

template <int stride>
inline void depthwise_row(const DepthwiseRow& row) {
  int c = 0;
  for (; c + vector_width <= row.channels; c += vector_width) depthwise_channels<stride, false>(row, c, 0);
  if (c < row.channels) depthwise_channels<stride, true>(row, c, row.channels - c);
}

void depthwise(const DepthwiseRow& row) {
  if (row.stride == 1) {
    depthwise_row<1>(row);
  } else {
    depthwise_row<2>(row);
  }
}

}  // namespace
}  // namespace reenact::cpu
