// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/kernels/simd_bytes_avx_vnni.h"

#include "cpu/kernels/winograd_kernels.h"

namespace reenact::cpu {

const WinogradKernels& winograd_kernels_avx_vnni() {
  return kernels;
}

}  // namespace reenact::cpu
