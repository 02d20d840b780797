// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/kernels/instruction_set.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include <fstream>
#include <oneapi/dnnl/dnnl.hpp>

namespace reenact::cpu {
namespace {

#if defined(__x86_64__)
bool cpu_has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

bool cpu_has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

// Asked of the CPU itself: not every compiler's __builtin_cpu_supports() knows AVX-VNNI.
bool cpu_has_avx_vnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return cpu_has_avx2() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax >> 4 & 1);
}
#endif

}  // namespace

std::string to_string(InstructionSet set) {
  switch (set) {
    case InstructionSet::plain:
      return "plain";
    case InstructionSet::neon:
      return "neon";
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::avx512:
      return "avx512";
  }
  return "plain";
}

InstructionSet instruction_set() {
#if defined(__x86_64__)
  static const InstructionSet detected = [] {
    __builtin_cpu_init();
    const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
    const bool avx2 = cpu_has_avx2();
    const bool avx512 = cpu_has_avx512();
    switch (isa) {
      case dnnl::cpu_isa::sse41:
      case dnnl::cpu_isa::avx:
        return InstructionSet::plain;
      case dnnl::cpu_isa::avx2:
      case dnnl::cpu_isa::avx2_vnni:
        return avx2 ? InstructionSet::avx2 : InstructionSet::plain;
      default:
        return avx512 ? InstructionSet::avx512 : avx2 ? InstructionSet::avx2 : InstructionSet::plain;
    }
  }();
  return detected;
#elif defined(__aarch64__)
  return InstructionSet::neon;  // every such CPU has it
#else
  return InstructionSet::plain;
#endif
}

bool has_arithmetic(Arithmetic arithmetic) {
  if (arithmetic == Arithmetic::f32) return true;
#if defined(__x86_64__)
  if (instruction_set() == InstructionSet::plain) return false;
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  const bool amx_or_bf16 = isa != dnnl::cpu_isa::avx2 && isa != dnnl::cpu_isa::avx2_vnni &&
                           isa != dnnl::cpu_isa::avx512_core && isa != dnnl::cpu_isa::avx512_core_vnni;
  if (arithmetic == Arithmetic::bf16) return amx_or_bf16 && instruction_set() == InstructionSet::avx512;
  if (arithmetic == Arithmetic::int8) return true;
#elif defined(__aarch64__)
  if (arithmetic == Arithmetic::int8) return byte_instructions() != ByteInstructions::none;
#endif
  return false;
}

std::string to_string(ByteInstructions instructions) {
  switch (instructions) {
    case ByteInstructions::pairs:
      return "avx2";
    case ByteInstructions::avx_vnni:
      return "avx-vnni";
    case ByteInstructions::avx512_vnni:
      return "avx512-vnni";
    case ByteInstructions::neon_dot:
      return "neon-dot";
    case ByteInstructions::none:
      break;
  }
  return "none";
}

bool has(ByteInstructions instructions) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (instructions) {
    case ByteInstructions::none:
      return true;
    case ByteInstructions::pairs:
      return cpu_has_avx2();
    case ByteInstructions::avx_vnni:
      return cpu_has_avx_vnni();
    case ByteInstructions::avx512_vnni:
      return cpu_has_avx512() && __builtin_cpu_supports("avx512vnni");
    case ByteInstructions::neon_dot:
      return false;
  }
#elif defined(__aarch64__)
  if (instructions == ByteInstructions::neon_dot) return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#endif
  return instructions == ByteInstructions::none;
}

ByteInstructions byte_instructions() {
#if defined(__x86_64__)
  static const ByteInstructions detected = [] {
    const InstructionSet set = instruction_set();
    if (set == InstructionSet::plain) return ByteInstructions::none;
    const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
    if (isa == dnnl::cpu_isa::avx2 || isa == dnnl::cpu_isa::avx512_core) return ByteInstructions::pairs;
    if (set == InstructionSet::avx512 && has(ByteInstructions::avx512_vnni)) {
      return ByteInstructions::avx512_vnni;
    }
    return has(ByteInstructions::avx_vnni) ? ByteInstructions::avx_vnni : ByteInstructions::pairs;
  }();
  return detected;
#elif defined(__aarch64__)
  return has(ByteInstructions::neon_dot) ? ByteInstructions::neon_dot : ByteInstructions::none;
#else
  return ByteInstructions::none;
#endif
}

bool has_amx() {
#if defined(__x86_64__)
  if (instruction_set() != InstructionSet::avx512) return false;
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  return isa != dnnl::cpu_isa::avx512_core && isa != dnnl::cpu_isa::avx512_core_vnni &&
         isa != dnnl::cpu_isa::avx512_core_bf16;
#else
  return false;
#endif
}

std::string engine_name(Arithmetic arithmetic) {
  std::string instructions = to_string(instruction_set());
  // Pairs are multiplied in whatever vectors there are.
  if (arithmetic == Arithmetic::int8 && byte_instructions() != ByteInstructions::pairs)
    instructions = to_string(byte_instructions());
  if (arithmetic != Arithmetic::f32 && has_amx()) instructions = "amx";
  const char* name = arithmetic == Arithmetic::f32    ? "fp32"
                     : arithmetic == Arithmetic::bf16 ? "bf16"
                                                      : "int8";
  return std::string("onednn ") + name + " " + instructions;
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0) {
      const auto colon = line.find(": ");
      if (colon != std::string::npos) return line.substr(colon + 2);
    }
  }
  return "unknown";
}

}  // namespace reenact::cpu
