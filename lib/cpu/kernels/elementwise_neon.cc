// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/kernels/simd_neon.h"

#include "cpu/kernels/elementwise_kernels.h"

namespace reenact::cpu {

const ElementwiseKernels& elementwise_kernels_neon() {
  return kernels;
}

}  // namespace reenact::cpu
