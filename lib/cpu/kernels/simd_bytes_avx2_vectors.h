// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <immintrin.h>

#include "cpu/kernels/winograd.h"

// 16 integers in two registers, 32 bytes in one; multiply_add() is chosen by the including file.
namespace reenact::cpu {
namespace {

struct Vector {
  __m256i low, high;
};
using Bytes = __m256i;
constexpr int byte_width = 32, input_offset = 0;

inline __m256i zero_half() {
  // An instruction for each: where GCC 12 knows that accumulators begin alike, it copies and spills them in loops.
  __m256i half;
  asm volatile("vpxor %0, %0, %0" : "=x"(half));
  return half;
}
inline Vector zero() {
  return {zero_half(), zero_half()};
}
// Aligned; the same for 16 integers and for 64 bytes.
inline Vector load(const void* p) {
  const auto* halves = static_cast<const __m256i*>(p);
  return {_mm256_load_si256(halves), _mm256_load_si256(halves + 1)};
}
inline void store(std::int32_t* p, const Vector& v) {
  auto* halves = reinterpret_cast<__m256i*>(p);
  _mm256_store_si256(halves, v.low);
  _mm256_store_si256(halves + 1, v.high);
}
// Four bytes, 16 times.
inline Vector broadcast_four(const std::uint8_t* p) {
  int four;
  __builtin_memcpy(&four, p, 4);
  const __m256i half = _mm256_set1_epi32(four);
  return {half, half};
}

// Integers.
inline Vector add(const Vector& a, const Vector& b) {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}
inline Vector subtract(const Vector& a, const Vector& b) {
  return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}

inline Bytes no_bytes() {
  return _mm256_setzero_si256();
}
// The first bytes of a vector, a multiple of four of them.
struct Mask {
  bool all;
  __m256i words;
};
inline Mask first_channels(int count) {
  const __m256i first_bytes = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28);
  return {count >= 32, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), first_bytes)};
}
// Unaligned; the bytes that are not loaded are zero.
inline Bytes load_bytes(const Mask& mask, const std::uint8_t* p) {
  // Whole vectors without a mask: AMD's masked stores are slow.
  if (mask.all) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm256_maskload_epi32(reinterpret_cast<const int*>(p), mask.words);
}
inline void store_bytes(std::uint8_t* p, const Mask& mask, Bytes v) {
  if (mask.all) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
  } else {
    _mm256_maskstore_epi32(reinterpret_cast<int*>(p), mask.words, v);
  }
}

// Bytes. The mean of unsigned ones, rounded up.
inline Bytes mean(Bytes a, Bytes b) {
  return _mm256_avg_epu8(a, b);
}
inline Bytes complement(Bytes a) {
  return _mm256_xor_si256(a, _mm256_set1_epi8(-1));
}
// From unsigned bytes to signed ones that are less by 128, and back.
inline Bytes flip_signs(Bytes a) {
  return _mm256_xor_si256(a, _mm256_set1_epi8(-128));
}
// Of signed bytes.
inline Bytes subtract_saturating(Bytes a, Bytes b) {
  return _mm256_subs_epi8(a, b);
}

}  // namespace
}  // namespace reenact::cpu
