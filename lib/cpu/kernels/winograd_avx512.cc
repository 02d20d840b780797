// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/kernels/simd_bytes_avx512.h"

#include "cpu/kernels/winograd_kernels.h"

namespace reenact::cpu {

const WinogradKernels& winograd_kernels_avx512() {
  return kernels;
}

}  // namespace reenact::cpu
