// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <immintrin.h>

#include "cpu/kernels/winograd.h"

// 64 bytes or 16 integers at a time; multiply_add() is chosen by the including file.
namespace reenact::cpu {
namespace {

using Vector = __m512i;
using Bytes = __m512i;
constexpr int byte_width = 64;
// Most tiles whose sums stay in registers, and most vectors of weights for each.
constexpr int most_tiles = 6, most_vectors = 2;
constexpr int input_offset = 0;

inline Vector zero() {
  // An instruction for each: where GCC 12 knows that accumulators begin alike, it copies them in loops.
  Vector none;
  asm volatile("vpxord %0, %0, %0" : "=v"(none));
  return none;
}
// Aligned; the same for 16 integers and for 64 bytes.
inline Vector load(const void* p) {
  return _mm512_load_si512(p);
}
inline void store(std::int32_t* p, Vector v) {
  _mm512_store_si512(p, v);
}
// Four bytes, 16 times.
inline Vector broadcast_four(const std::uint8_t* p) {
  int four;
  __builtin_memcpy(&four, p, 4);
  return _mm512_set1_epi32(four);
}

inline Bytes no_bytes() {
  return _mm512_setzero_si512();
}
// The first bytes of a vector.
using Mask = __mmask64;
inline Mask first_channels(int count) {
  return count >= 64 ? ~Mask{0} : (Mask{1} << count) - 1;
}
// Unaligned; the bytes that are not loaded are zero.
inline Bytes load_bytes(Mask mask, const std::uint8_t* p) {
  return _mm512_maskz_loadu_epi8(mask, p);
}
inline void store_bytes(std::uint8_t* p, Mask mask, Bytes v) {
  _mm512_mask_storeu_epi8(p, mask, v);
}

// Integers.
inline Vector add(Vector a, Vector b) {
  return _mm512_add_epi32(a, b);
}
inline Vector subtract(Vector a, Vector b) {
  return _mm512_sub_epi32(a, b);
}
// Bytes. The mean of unsigned ones, rounded up.
inline Bytes mean(Bytes a, Bytes b) {
  return _mm512_avg_epu8(a, b);
}
inline Bytes complement(Bytes a) {
  return _mm512_xor_si512(a, _mm512_set1_epi8(-1));
}
// From unsigned bytes to signed ones that are less by 128, and back.
inline Bytes flip_signs(Bytes a) {
  return _mm512_xor_si512(a, _mm512_set1_epi8(-128));
}
// Of signed bytes.
inline Bytes subtract_saturating(Bytes a, Bytes b) {
  return _mm512_subs_epi8(a, b);
}

}  // namespace
}  // namespace reenact::cpu
