// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/kernels/simd_bytes_avx512_vectors.h"

namespace reenact::cpu {
namespace {

constexpr int largest_weight = 127;

// To each integer the four products of bytes in its place, those of x unsigned. Written as an instruction
// because GCC 12 copies the accumulators of the intrinsic function to memory and back.
inline void multiply_add(Vector& accumulator, Vector x, Vector w) {
  asm("vpdpbusd %2, %1, %0" : "+v"(accumulator) : "v"(x), "v"(w));
}

}  // namespace
}  // namespace reenact::cpu
