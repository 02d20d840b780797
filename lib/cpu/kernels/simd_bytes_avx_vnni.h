// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/kernels/simd_bytes_avx2_vectors.h"

namespace reenact::cpu {
namespace {

constexpr int most_tiles = 6, most_vectors = 1;
constexpr int largest_weight = 127;

// To each integer the four products of bytes in its place, those of x unsigned. Written as instructions, so that the
// compiler need not know AVX-VNNI, whose encoding differs from that of AVX-512.
inline void multiply_add(Vector& accumulator, const Vector& x, const Vector& w) {
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(accumulator.low) : "x"(x.low), "x"(w.low));
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(accumulator.high) : "x"(x.high), "x"(w.high));
}

}  // namespace
}  // namespace reenact::cpu
