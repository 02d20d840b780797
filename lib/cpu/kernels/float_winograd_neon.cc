// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/kernels/float_winograd.h"
#include "cpu/kernels/simd_neon.h"

#include "cpu/kernels/float_winograd_kernels.h"

namespace reenact::cpu {

const FloatWinogradKernels& float_winograd_kernels_neon() {
  return kernels;
}

}  // namespace reenact::cpu
