// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <immintrin.h>

#include "cpu/kernels/elementwise.h"

// Sixteen floats. In an unnamed namespace: each translation unit has its own copy, compiled for its own
// target.
namespace reenact::cpu {
namespace {

using Vector = __m512;
constexpr int vector_width = 16;

inline __mmask16 first(int n) {
  return static_cast<__mmask16>((1u << n) - 1u);
}

inline Vector broadcast(float x) {
  return _mm512_set1_ps(x);
}
inline Vector multiply_add(Vector a, Vector b, Vector c) {
  return _mm512_fmadd_ps(a, b, c);
}
inline Vector multiply(Vector a, Vector b) {
  return _mm512_mul_ps(a, b);
}
inline Vector divide(Vector a, Vector b) {
  return _mm512_div_ps(a, b);
}
inline Vector add(Vector a, Vector b) {
  return _mm512_add_ps(a, b);
}
inline Vector subtract(Vector a, Vector b) {
  return _mm512_sub_ps(a, b);
}
inline Vector maximum(Vector a, Vector b) {
  return _mm512_max_ps(a, b);
}
inline Vector minimum(Vector a, Vector b) {
  return _mm512_min_ps(a, b);
}
inline Vector nearest(Vector a) {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline Vector power_of_two(Vector integer) {
  return _mm512_scalef_ps(_mm512_set1_ps(1.0f), integer);
}
inline float horizontal_sum(Vector a) {
  return _mm512_reduce_add_ps(a);
}

inline Vector load(const float* p) {
  return _mm512_loadu_ps(p);
}
inline Vector load(const std::int32_t* p) {
  return _mm512_cvtepi32_ps(_mm512_loadu_si512(p));
}
inline Vector load(const Half* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline Vector load(const std::uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
inline Vector load(const float* p, int n) {
  return _mm512_maskz_loadu_ps(first(n), p);
}
inline Vector load(const std::int32_t* p, int n) {
  return _mm512_cvtepi32_ps(_mm512_maskz_loadu_epi32(first(n), p));
}
inline Vector load(const Half* p, int n) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p));
}
inline Vector load(const std::uint8_t* p, int n) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first(n), p)));
}

inline __m256i to_half(Vector v) {
  const Vector limit = _mm512_set1_ps(65504.0f);
  v = _mm512_max_ps(_mm512_min_ps(v, limit), _mm512_sub_ps(_mm512_setzero_ps(), limit));
  return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline __m256i to_bfloat16(Vector v) {
  const __m512i bits = _mm512_castps_si512(v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16));
}
// Negative values become 0 because the conversion takes its input for unsigned.
inline __m128i to_bytes(Vector v) {
  return _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(_mm512_max_ps(v, _mm512_setzero_ps())));
}

inline void store(float* p, Vector v) {
  _mm512_storeu_ps(p, v);
}
inline void store(Half* p, Vector v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), to_half(v));
}
inline void store(Bfloat16* p, Vector v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), to_bfloat16(v));
}
inline void store(std::uint8_t* p, Vector v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), to_bytes(v));
}
inline void store(float* p, Vector v, int n) {
  _mm512_mask_storeu_ps(p, first(n), v);
}
inline void store(Half* p, Vector v, int n) {
  _mm256_mask_storeu_epi16(p, first(n), to_half(v));
}
inline void store(Bfloat16* p, Vector v, int n) {
  _mm256_mask_storeu_epi16(p, first(n), to_bfloat16(v));
}
inline void store(std::uint8_t* p, Vector v, int n) {
  _mm_mask_storeu_epi8(p, first(n), to_bytes(v));
}

}  // namespace
}  // namespace reenact::cpu
