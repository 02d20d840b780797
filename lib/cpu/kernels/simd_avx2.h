// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <immintrin.h>

#include "cpu/kernels/elementwise.h"

// Eight floats. In an unnamed namespace: each translation unit has its own copy, compiled for its own target.
namespace reenact::cpu {
namespace {

using Vector = __m256;
constexpr int vector_width = 8;

inline Vector broadcast(float x) {
  return _mm256_set1_ps(x);
}
inline Vector multiply_add(Vector a, Vector b, Vector c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline Vector multiply(Vector a, Vector b) {
  return _mm256_mul_ps(a, b);
}
inline Vector divide(Vector a, Vector b) {
  return _mm256_div_ps(a, b);
}
inline Vector add(Vector a, Vector b) {
  return _mm256_add_ps(a, b);
}
inline Vector subtract(Vector a, Vector b) {
  return _mm256_sub_ps(a, b);
}
inline Vector maximum(Vector a, Vector b) {
  return _mm256_max_ps(a, b);
}
inline Vector minimum(Vector a, Vector b) {
  return _mm256_min_ps(a, b);
}
inline Vector nearest(Vector a) {
  return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline Vector power_of_two(Vector integer) {
  const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(integer), _mm256_set1_epi32(127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}
inline float horizontal_sum(Vector a) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  half = _mm_add_ss(half, _mm_movehdup_ps(half));
  return _mm_cvtss_f32(half);
}

// Part vectors go through memory: they occur only when channels are no multiple of eight.
template <typename T>
struct Partial {
  alignas(32) T values[vector_width] = {};
  Partial() {}
  Partial(const T* p, int n) {
    for (int i = 0; i < n; ++i) values[i] = p[i];
  }
  void copy_to(T* p, int n) const {
    for (int i = 0; i < n; ++i) p[i] = values[i];
  }
};

inline Vector load(const float* p) {
  return _mm256_loadu_ps(p);
}
inline Vector load(const std::int32_t* p) {
  return _mm256_cvtepi32_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline Vector load(const Half* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline Vector load(const std::uint8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
template <typename T>
inline Vector load(const T* p, int n) {
  return load(Partial<T>(p, n).values);
}

inline void store(float* p, Vector v) {
  _mm256_storeu_ps(p, v);
}
inline void store(Half* p, Vector v) {
  const Vector limit = _mm256_set1_ps(65504.0f);
  v = _mm256_max_ps(_mm256_min_ps(v, limit), _mm256_sub_ps(_mm256_setzero_ps(), limit));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline void store(Bfloat16* p, Vector v) {
  const __m256i bits = _mm256_castps_si256(v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded =
      _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
  const __m128i packed =
      _mm_packus_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), packed);
}
inline void store(std::uint8_t* p, Vector v) {
  // Bounded first: the packing instructions take their input for signed 16 bits.
  v = _mm256_min_ps(_mm256_max_ps(v, _mm256_setzero_ps()), _mm256_set1_ps(255.0f));
  const __m256i integers = _mm256_cvtps_epi32(v);
  const __m128i words =
      _mm_packus_epi32(_mm256_castsi256_si128(integers), _mm256_extracti128_si256(integers, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
}
template <typename T>
inline void store(T* p, Vector v, int n) {
  Partial<T> part;
  store(part.values, v);
  part.copy_to(p, n);
}

}  // namespace
}  // namespace reenact::cpu
