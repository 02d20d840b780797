// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/kernels/instruction_set.h"

#include <fstream>
#include <oneapi/dnnl/dnnl.hpp>

namespace reenact::cpu {
namespace {

#if defined(__x86_64__)
bool cpu_has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

}  // namespace

std::string to_string(InstructionSet set) {
  switch (set) {
    case InstructionSet::plain:
      return "plain";
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
    const bool avx2 =
        __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
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
  if (arithmetic == Arithmetic::int8) {
    return amx_or_bf16 || isa == dnnl::cpu_isa::avx2_vnni || isa == dnnl::cpu_isa::avx512_core_vnni;
  }
#endif
  return false;
}

bool has_avx512_vnni() {
#if defined(__x86_64__)
  return cpu_has_avx512() && __builtin_cpu_supports("avx512vnni");
#else
  return false;
#endif
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
