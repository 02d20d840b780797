// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "cpu/kernels/kernel_types.h"

namespace reenact::cpu {

std::string to_string(InstructionSet set);

/// The best set that this CPU has and that oneDNN may use: ONEDNN_MAX_CPU_ISA limits both alike.
InstructionSet instruction_set();

/// What multiplies bytes here, limited like instruction_set(). Those with VNNI and NEON's dot product sum four products in
/// 32 bits at once; `pairs` sums two in 16 bits first (vpmaddubsw), where they saturate unless weights are small.
enum class ByteInstructions { none, pairs, avx_vnni, avx512_vnni, neon_dot };
std::string to_string(ByteInstructions instructions);
ByteInstructions byte_instructions();
/// Whether the CPU runs them, whatever ONEDNN_MAX_CPU_ISA says.
bool has(ByteInstructions instructions);

/// Whether `arithmetic` runs on instructions of its own here. int8 wants AVX2, or NEON with its dot product; bf16 wants avx512_bf16 or AMX, because
/// emulation is slower than fp32.
bool has_arithmetic(Arithmetic arithmetic);

/// Whether oneDNN multiplies bf16 and int8 with AMX here, limited like instruction_set().
bool has_amx();

/// What a network in that arithmetic runs as: "onednn", the arithmetic, and the instructions of our own kernels, or "amx"
/// where oneDNN multiplies with that, as in "onednn int8 avx-vnni".
std::string engine_name(Arithmetic arithmetic);

/// Model name of the CPU for reports, or "unknown".
std::string cpu_name();

}  // namespace reenact::cpu
