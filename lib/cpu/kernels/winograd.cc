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
      // Without VNNI; AVX-512 has twice as many bytes in a register, and two of the three ports.
      return instruction_set() == InstructionSet::avx512 ? winograd_kernels_avx512()
                                                         : winograd_kernels_avx2();
    case ByteInstructions::neon_dot:
    case ByteInstructions::none:
      break;
  }
#elif defined(__aarch64__)
  if (byte_instructions() == ByteInstructions::neon_dot) return winograd_kernels_neon_dot();
#endif
  return winograd_kernels_plain();
}

}  // namespace reenact::cpu
