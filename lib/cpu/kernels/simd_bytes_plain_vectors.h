// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstring>

#include "cpu/kernels/winograd.h"

// What the instructions of the other simd_bytes_*.h compute, bit by bit, in plain C++, but for multiply_add(), which
// the including file chooses.
namespace reenact::cpu {
namespace {

struct alignas(64) Vector {
  std::uint8_t bytes[64];
};

using Bytes = Vector;
constexpr int byte_width = 64, input_offset = 0;
constexpr int most_tiles = 6, most_vectors = 2;

// Integers are unsigned here: they wrap around as those of the instructions do.
struct Integers {
  std::uint32_t value[16];
};
inline Integers integers(const Vector& v) {
  Integers result;
  std::memcpy(&result, &v, sizeof result);
  return result;
}
inline Vector vector(const Integers& integers) {
  Vector result;
  std::memcpy(&result, &integers, sizeof result);
  return result;
}

inline Vector zero() {
  return Vector{};
}
inline Vector load(const void* p) {
  Vector result;
  std::memcpy(&result, p, sizeof result);
  return result;
}
inline void store(std::int32_t* p, const Vector& v) {
  std::memcpy(p, &v, sizeof v);
}
// Four bytes, 16 times.
inline Vector broadcast_four(const std::uint8_t* p) {
  Vector result;
  for (int i = 0; i < 64; ++i) result.bytes[i] = p[i % 4];
  return result;
}

inline Bytes no_bytes() {
  return Bytes{};
}
// How many of the first bytes of a vector.
using Mask = std::size_t;
inline Mask first_channels(int count) {
  return static_cast<Mask>(std::min(count, 64));
}
// The bytes that are not loaded are zero.
inline Vector load_bytes(Mask mask, const std::uint8_t* p) {
  Vector result{};
  std::memcpy(&result, p, mask);
  return result;
}
inline void store_bytes(std::uint8_t* p, Mask mask, const Vector& v) {
  std::memcpy(p, &v, mask);
}

// Integers.
inline Vector add(const Vector& a, const Vector& b) {
  Integers sum = integers(a), other = integers(b);
  for (int i = 0; i < 16; ++i) sum.value[i] += other.value[i];
  return vector(sum);
}
inline Vector subtract(const Vector& a, const Vector& b) {
  Integers difference = integers(a), other = integers(b);
  for (int i = 0; i < 16; ++i) difference.value[i] -= other.value[i];
  return vector(difference);
}
// Bytes. The mean of unsigned ones, rounded up.
inline Vector mean(const Vector& a, const Vector& b) {
  Vector result;
  for (int i = 0; i < 64; ++i) result.bytes[i] = static_cast<std::uint8_t>((a.bytes[i] + b.bytes[i] + 1) / 2);
  return result;
}
inline Vector complement(const Vector& a) {
  Vector result;
  for (int i = 0; i < 64; ++i) result.bytes[i] = static_cast<std::uint8_t>(255 - a.bytes[i]);
  return result;
}
// From unsigned bytes to signed ones that are less by 128, and back.
inline Vector flip_signs(const Vector& a) {
  Vector result;
  for (int i = 0; i < 64; ++i) result.bytes[i] = a.bytes[i] ^ 0x80;
  return result;
}
// Of signed bytes.
inline Vector subtract_saturating(const Vector& a, const Vector& b) {
  Vector result;
  for (int i = 0; i < 64; ++i) {
    const int difference = static_cast<std::int8_t>(a.bytes[i]) - static_cast<std::int8_t>(b.bytes[i]);
    result.bytes[i] = static_cast<std::uint8_t>(std::clamp(difference, -128, 127));
  }
  return result;
}

}  // namespace
}  // namespace reenact::cpu
