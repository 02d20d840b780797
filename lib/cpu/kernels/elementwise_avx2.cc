// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/kernels/simd_avx2.h"

#include "cpu/kernels/elementwise_kernels.h"

namespace reenact::cpu {

const ElementwiseKernels& elementwise_kernels_avx2() {
  return kernels;
}

}  // namespace reenact::cpu
