// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <arm_neon.h>

#include "cpu/kernels/winograd.h"

// 16 integers or 64 bytes in four registers, 16 bytes of a map in one. The dot product takes signed bytes alone, so bytes of
// maps lose 128 on their way to it: input_offset says so, and WinogradConvolution adds it again.
namespace reenact::cpu {
namespace {

struct Vector {
  int32x4_t part[4];
};
using Bytes = uint8x16_t;
constexpr int byte_width = 16;
constexpr int most_tiles = 4, most_vectors = 1;
constexpr int largest_weight = 127;
constexpr int input_offset = 128;

inline Vector zero() {
  const int32x4_t none = vdupq_n_s32(0);
  return {{none, none, none, none}};
}
// The same for 16 integers and for 64 bytes.
inline Vector load(const void* p) {
  const auto* from = static_cast<const std::int32_t*>(p);
  return {{vld1q_s32(from), vld1q_s32(from + 4), vld1q_s32(from + 8), vld1q_s32(from + 12)}};
}
inline void store(std::int32_t* p, const Vector& v) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) vst1q_s32(p + 4 * i, v.part[i]);
}
// Four bytes, made signed, 16 times.
inline Vector broadcast_four(const std::uint8_t* p) {
  std::int32_t four;
  __builtin_memcpy(&four, p, 4);
  const int32x4_t all = vdupq_n_s32(four ^ static_cast<std::int32_t>(0x80808080u));
  return {{all, all, all, all}};
}

// Integers.
inline Vector add(const Vector& a, const Vector& b) {
  Vector sum;
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) sum.part[i] = vaddq_s32(a.part[i], b.part[i]);
  return sum;
}
inline Vector subtract(const Vector& a, const Vector& b) {
  Vector difference;
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) difference.part[i] = vsubq_s32(a.part[i], b.part[i]);
  return difference;
}
// To each integer the four products of signed bytes in its place.
inline void multiply_add(Vector& accumulator, const Vector& x, const Vector& w) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    accumulator.part[i] =
        vdotq_s32(accumulator.part[i], vreinterpretq_s8_s32(w.part[i]), vreinterpretq_s8_s32(x.part[i]));
  }
}

inline Bytes no_bytes() {
  return vdupq_n_u8(0);
}
// How many of the first bytes of a vector, a multiple of four of them.
using Mask = int;
inline Mask first_channels(int count) {
  return count < byte_width ? count : byte_width;
}
// The bytes that are not loaded are zero.
inline Bytes load_bytes(Mask mask, const std::uint8_t* p) {
  if (mask == byte_width) return vld1q_u8(p);
  std::uint8_t bytes[byte_width] = {};
  for (int i = 0; i < mask; ++i) bytes[i] = p[i];
  return vld1q_u8(bytes);
}
inline void store_bytes(std::uint8_t* p, Mask mask, Bytes v) {
  if (mask == byte_width) {
    vst1q_u8(p, v);
    return;
  }
  std::uint8_t bytes[byte_width];
  vst1q_u8(bytes, v);
  for (int i = 0; i < mask; ++i) p[i] = bytes[i];
}

// Bytes. The mean of unsigned ones, rounded up.
inline Bytes mean(Bytes a, Bytes b) {
  return vrhaddq_u8(a, b);
}
inline Bytes complement(Bytes a) {
  return vmvnq_u8(a);
}
// From unsigned bytes to signed ones that are less by 128, and back.
inline Bytes flip_signs(Bytes a) {
  return veorq_u8(a, vdupq_n_u8(0x80));
}
// Of signed bytes.
inline Bytes subtract_saturating(Bytes a, Bytes b) {
  return vreinterpretq_u8_s8(vqsubq_s8(vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b)));
}

}  // namespace
}  // namespace reenact::cpu
