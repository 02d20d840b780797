// SPDX-License-Identifier: LGPL-2.1-or-later
#include "saturating_winograd.h"

#include "cpu/kernels/simd_bytes_plain_vectors.h"

namespace reenact::cpu {
namespace {

constexpr int largest_weight = 64;

// vpmaddubsw, vpmaddwd with ones and vpaddd, bit by bit: sums of two products saturate at 16 bits.
inline void multiply_add(Vector& accumulator, const Vector& x, const Vector& w) {
  Integers sum = integers(accumulator);
  for (int i = 0; i < 64; i += 2) {
    const int products = x.bytes[i] * static_cast<std::int8_t>(w.bytes[i]) +
                         x.bytes[i + 1] * static_cast<std::int8_t>(w.bytes[i + 1]);
    sum.value[i / 4] += static_cast<std::uint32_t>(std::clamp(products, -32768, 32767));
  }
  accumulator = vector(sum);
}

}  // namespace
}  // namespace reenact::cpu

#include "cpu/kernels/winograd_kernels.h"

namespace reenact::cpu {

const WinogradKernels& saturating_winograd_kernels() {
  return kernels;
}

}  // namespace reenact::cpu
