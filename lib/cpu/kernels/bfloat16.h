// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <cstring>

#include "cpu/kernels/kernel_types.h"

namespace reenact::cpu {

inline float to_float(Bfloat16 value) {
  const std::uint32_t bits = static_cast<std::uint32_t>(value.bits) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

/// Rounded to nearest even.
inline Bfloat16 to_bfloat16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return {static_cast<std::uint16_t>((bits + ((bits >> 16) & 1u) + 0x7fffu) >> 16)};
}

}  // namespace reenact::cpu
