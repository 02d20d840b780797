// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/kernels/simd_bytes_plain_vectors.h"

namespace reenact::cpu {
namespace {

constexpr int largest_weight = 127;

// To each integer the four products of bytes in its place, those of x unsigned and those of w signed. Nothing
// saturates on the way (vpdpbusd, not vpdpbusds or vpmaddubsw).
inline void multiply_add(Vector& accumulator, const Vector& x, const Vector& w) {
  Integers sum = integers(accumulator);
  for (int i = 0; i < 64; ++i) {
    const int product = x.bytes[i] * static_cast<std::int8_t>(w.bytes[i]);
    sum.value[i / 4] += static_cast<std::uint32_t>(product);
  }
  accumulator = vector(sum);
}

}  // namespace
}  // namespace reenact::cpu
