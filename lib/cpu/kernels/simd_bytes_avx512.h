// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/kernels/simd_bytes_avx512_vectors.h"

namespace reenact::cpu {
namespace {

// 2 * 255 * 64 is the largest sum of two products that fits 16 bits.
constexpr int largest_weight = 64;

// To each integer the four products of bytes in its place, those of x unsigned. Exact while no weight is larger than
// largest_weight; two products together saturate at 16 bits.
inline void multiply_add(Vector& accumulator, Vector x, Vector w) {
  const Vector four = _mm512_madd_epi16(_mm512_maddubs_epi16(x, w), _mm512_set1_epi16(1));
  // Added by an instruction written out, or GCC 12 keeps some accumulators in memory.
  asm("vpaddd %1, %0, %0" : "+v"(accumulator) : "v"(four));
}

}  // namespace
}  // namespace reenact::cpu
