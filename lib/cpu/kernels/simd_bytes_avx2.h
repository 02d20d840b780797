// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/kernels/simd_bytes_avx2_vectors.h"

namespace reenact::cpu {
namespace {

constexpr int most_tiles = 4, most_vectors = 1;
// 2 * 255 * 64 is the largest sum of two products that fits 16 bits.
constexpr int largest_weight = 64;

inline __m256i sums_of_four(__m256i x, __m256i w) {
  return _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), _mm256_set1_epi16(1));
}

// To each integer the four products of bytes in its place, those of x unsigned. Exact while no weight is larger than
// largest_weight; two products together saturate at 16 bits.
inline void multiply_add(Vector& accumulator, const Vector& x, const Vector& w) {
  // Added by instructions written out, or GCC 12 keeps some accumulators in memory.
  asm("vpaddd %1, %0, %0" : "+x"(accumulator.low) : "x"(sums_of_four(x.low, w.low)));
  asm("vpaddd %1, %0, %0" : "+x"(accumulator.high) : "x"(sums_of_four(x.high, w.high)));
}

}  // namespace
}  // namespace reenact::cpu
