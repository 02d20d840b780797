// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/precision.h"

#include "reenact/error.h"

namespace reenact::training {
namespace {

constexpr std::pair<const char*, torch::ScalarType> precisions[] = {
    {"float32", torch::kFloat}, {"bfloat16", torch::kBFloat16}, {"float16", torch::kHalf}};

}  // namespace

std::string precision_name(torch::ScalarType precision) {
  for (const auto& [name, type] : precisions)
    if (type == precision) return name;
  throw Error(ErrorCode::invalid, "networks do not learn in " + std::string(c10::toString(precision)));
}

void read_precision(const RunConfig& file, torch::ScalarType& precision) {
  file.read("training.precision", precision, precisions);
}

torch::ScalarType native_precision(const torch::Device& device) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (device.is_cpu() && __builtin_cpu_supports("avx512bf16")) return torch::kBFloat16;
#endif
  return torch::kFloat;
}

void check_precision(torch::ScalarType precision, const torch::Device& device) {
  if (precision == torch::kHalf && !device.is_cuda())
    throw Error(ErrorCode::unsupported,
                "training.precision is \"float16\", which wants a GPU; on a CPU take bfloat16");
}

}  // namespace reenact::training
