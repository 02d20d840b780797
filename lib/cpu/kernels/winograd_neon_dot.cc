// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/kernels/simd_bytes_neon_dot.h"

#include "cpu/kernels/winograd_kernels.h"

namespace reenact::cpu {

const WinogradKernels& winograd_kernels_neon_dot() {
  return kernels;
}

}  // namespace reenact::cpu
