// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/kernels/winograd.h"

#include "cpu/kernels/instruction_set.h"

namespace reenact::cpu {

const WinogradKernels& winograd_kernels() {
#if defined(__x86_64__)
  switch (byte_instructions()) {
    case ByteInstructions::avx512_vnni:
      return winograd_kernels_avx512_vnni();
    case ByteInstructions::avx_vnni:
      return winograd_kernels_avx_vnni();
    case ByteInstructions::pairs:
      return winograd_kernels_avx2();
    case ByteInstructions::none:
      break;
  }
#endif
  return winograd_kernels_plain();
}

}  // namespace reenact::cpu
