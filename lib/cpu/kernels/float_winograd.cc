// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/kernels/float_winograd.h"

namespace reenact::cpu {

const FloatWinogradKernels* float_winograd_kernels(InstructionSet set) {
#if defined(__x86_64__)
  if (set == InstructionSet::avx512) return &float_winograd_kernels_avx512();
  if (set == InstructionSet::avx2) return &float_winograd_kernels_avx2();
#elif defined(__aarch64__)
  if (set == InstructionSet::neon) return &float_winograd_kernels_neon();
#endif
  (void)set;
  return nullptr;
}

}  // namespace reenact::cpu
