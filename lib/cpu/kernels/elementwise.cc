// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/kernels/elementwise.h"

namespace reenact::cpu {

const ElementwiseKernels& elementwise_kernels(InstructionSet set) {
#if defined(__x86_64__)
  if (set == InstructionSet::avx512) return elementwise_kernels_avx512();
  if (set == InstructionSet::avx2) return elementwise_kernels_avx2();
#elif defined(__aarch64__)
  if (set == InstructionSet::neon) return elementwise_kernels_neon();
#endif
  (void)set;
  return elementwise_kernels_plain();
}

}  // namespace reenact::cpu
