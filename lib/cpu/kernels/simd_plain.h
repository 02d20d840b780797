// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core/cvdef.h>
#include <cmath>
#include <cstring>

#include "cpu/kernels/elementwise.h"

// One float at a time, for CPUs without kernels of their own; the compiler vectorises what it can.
namespace reenact::cpu {
namespace {

using Vector = float;
constexpr int vector_width = 1;

inline Vector broadcast(float x) {
  return x;
}
inline Vector multiply_add(Vector a, Vector b, Vector c) {
  return a * b + c;
}
inline Vector multiply(Vector a, Vector b) {
  return a * b;
}
inline Vector divide(Vector a, Vector b) {
  return a / b;
}
inline Vector add(Vector a, Vector b) {
  return a + b;
}
inline Vector subtract(Vector a, Vector b) {
  return a - b;
}
inline Vector maximum(Vector a, Vector b) {
  return a > b ? a : b;
}
inline Vector minimum(Vector a, Vector b) {
  return a < b ? a : b;
}
inline Vector nearest(Vector a) {
  return std::nearbyintf(a);
}
inline Vector power_of_two(Vector integer) {
  return std::ldexp(1.0f, static_cast<int>(integer));
}
inline float horizontal_sum(Vector a) {
  return a;
}

inline Vector load(const float* p) {
  return *p;
}
inline Vector load(const std::int32_t* p) {
  return static_cast<float>(*p);
}
inline Vector load(const Half* p) {
  cv::float16_t value;
  std::memcpy(static_cast<void*>(&value), p, sizeof value);
  return static_cast<float>(value);
}
inline Vector load(const std::uint8_t* p) {
  return static_cast<float>(*p);
}
// A vector of one has no part.
template <typename T>
inline Vector load(const T* p, int) {
  return load(p);
}

inline void store(float* p, Vector v) {
  *p = v;
}
inline void store(Half* p, Vector v) {
  const cv::float16_t value(maximum(minimum(v, 65504.0f), -65504.0f));
  std::memcpy(p, &value, sizeof value);
}
inline void store(Bfloat16* p, Vector v) {
  std::uint32_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  p->bits = static_cast<std::uint16_t>((bits + ((bits >> 16) & 1u) + 0x7fffu) >> 16);
}
inline void store(std::uint8_t* p, Vector v) {
  *p = static_cast<std::uint8_t>(nearest(minimum(maximum(v, 0.0f), 255.0f)));
}
template <typename T>
inline void store(T* p, Vector v, int) {
  store(p, v);
}

}  // namespace
}  // namespace reenact::cpu
