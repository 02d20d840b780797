// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "cpu/kernels/kernel_types.h"

namespace reenact::cpu {

std::string to_string(InstructionSet set);

/// The best set that this CPU has and that oneDNN may use: ONEDNN_MAX_CPU_ISA limits both alike.
InstructionSet instruction_set();

/// Whether `arithmetic` runs on instructions of its own here. int8 wants VNNI, because without it oneDNN's u8
/// x s8 sums saturate at 16 bits; bf16 wants avx512_bf16 or AMX, because emulation is slower than fp32.
bool has_arithmetic(Arithmetic arithmetic);

/// Whether this CPU runs winograd_kernels_avx512_vnni(), whatever oneDNN may use.
bool has_avx512_vnni();

/// Model name of the CPU for reports, or "unknown".
std::string cpu_name();

}  // namespace reenact::cpu
