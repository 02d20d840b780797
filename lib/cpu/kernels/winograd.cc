// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/kernels/winograd.h"

#include "cpu/kernels/instruction_set.h"

namespace reenact::cpu {

const WinogradKernels& winograd_kernels() {
#if defined(__x86_64__)
  if (has_avx512_vnni()) return winograd_kernels_avx512_vnni();
#endif
  return winograd_kernels_plain();
}

}  // namespace reenact::cpu
