// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <arm_neon.h>

#include "cpu/kernels/elementwise.h"

// Four floats. In an unnamed namespace: each translation unit has its own copy, compiled for its own target.
namespace reenact::cpu {
namespace {

using Vector = float32x4_t;
constexpr int vector_width = 4;

inline Vector broadcast(float x) {
  return vdupq_n_f32(x);
}
inline Vector multiply_add(Vector a, Vector b, Vector c) {
  return vfmaq_f32(c, a, b);
}
inline Vector multiply(Vector a, Vector b) {
  return vmulq_f32(a, b);
}
inline Vector divide(Vector a, Vector b) {
  return vdivq_f32(a, b);
}
inline Vector add(Vector a, Vector b) {
  return vaddq_f32(a, b);
}
inline Vector subtract(Vector a, Vector b) {
  return vsubq_f32(a, b);
}
inline Vector maximum(Vector a, Vector b) {
  return vmaxq_f32(a, b);
}
inline Vector minimum(Vector a, Vector b) {
  return vminq_f32(a, b);
}
inline Vector nearest(Vector a) {
  return vrndnq_f32(a);
}
inline Vector power_of_two(Vector integer) {
  return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(integer), vdupq_n_s32(127)), 23));
}
inline float horizontal_sum(Vector a) {
  return vaddvq_f32(a);
}

// Part vectors go through memory: they occur only when channels are no multiple of four.
template <typename T>
struct Partial {
  alignas(16) T values[vector_width] = {};
  Partial() {}
  Partial(const T* p, int n) {
    for (int i = 0; i < n; ++i) values[i] = p[i];
  }
  void copy_to(T* p, int n) const {
    for (int i = 0; i < n; ++i) p[i] = values[i];
  }
};

inline Vector load(const float* p) {
  return vld1q_f32(p);
}
inline Vector load(const std::int32_t* p) {
  return vcvtq_f32_s32(vld1q_s32(p));
}
inline Vector load(const Half* p) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(&p->bits)));
}
inline Vector load(const std::uint8_t* p) {
  const uint8x8_t bytes = vreinterpret_u8_u32(vld1_dup_u32(reinterpret_cast<const std::uint32_t*>(p)));
  return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))));
}
template <typename T>
inline Vector load(const T* p, int n) {
  return load(Partial<T>(p, n).values);
}

inline void store(float* p, Vector v) {
  vst1q_f32(p, v);
}
inline void store(Half* p, Vector v) {
  v = vmaxq_f32(vminq_f32(v, vdupq_n_f32(65504.0f)), vdupq_n_f32(-65504.0f));
  vst1_u16(&p->bits, vreinterpret_u16_f16(vcvt_f16_f32(v)));
}
inline void store(Bfloat16* p, Vector v) {
  const uint32x4_t bits = vreinterpretq_u32_f32(v);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  vst1_u16(&p->bits, vshrn_n_u32(vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff))), 16));
}
inline void store(std::uint8_t* p, Vector v) {
  // The conversions saturate.
  const uint16x4_t words = vqmovn_u32(vcvtnq_u32_f32(v));
  const uint8x8_t bytes = vqmovn_u16(vcombine_u16(words, words));
  vst1_lane_u32(reinterpret_cast<std::uint32_t*>(p), vreinterpret_u32_u8(bytes), 0);
}
template <typename T>
inline void store(T* p, Vector v, int n) {
  Partial<T> part;
  store(part.values, v);
  part.copy_to(p, n);
}

}  // namespace
}  // namespace reenact::cpu
