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

void check_precision(torch::ScalarType precision, const torch::Device& device) {
  if (precision == torch::kHalf && !device.is_cuda())
    throw Error(ErrorCode::unsupported,
                "training.precision is \"float16\", which wants a GPU; on a CPU take bfloat16");
}

}  // namespace reenact::training
