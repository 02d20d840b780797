// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "reenact/safetensors.h"

// Included by files compiled for special instruction sets: no headers with inline functions here.
namespace reenact::cpu {

/// Instruction sets for which the library has kernels of its own.
enum class InstructionSet { plain, neon, avx2, avx512 };

/// IEEE binary16, as bits.
struct Half {
  std::uint16_t bits;
};
/// The upper half of a binary32, as bits.
struct Bfloat16 {
  std::uint16_t bits;
};

/// How maps are kept between layers.
enum class Storage { f32, f16 };
inline constexpr int storage_count = 2;
/// What a convolution multiplies; its sums are int32 for int8 and float otherwise.
enum class Arithmetic { f32, bf16, int8 };
inline constexpr int arithmetic_count = 3;

inline std::size_t size_of(Storage storage) {
  return storage == Storage::f32 ? 4 : 2;
}
inline std::size_t size_of(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::f32 ? 4 : arithmetic == Arithmetic::bf16 ? 2 : 1;
}

}  // namespace reenact::cpu
