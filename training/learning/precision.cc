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

torch::ScalarType read_precision(const RunConfig& file, torch::ScalarType fallback) {
  const auto wanted = file.text("training.precision", precision_name(fallback));
  for (const auto& [name, type] : precisions)
    if (name == wanted) return type;
  throw Error(ErrorCode::invalid,
              "training.precision is \"" + wanted + "\", wanted float32, bfloat16 or float16");
}

void check_precision(torch::ScalarType precision, const torch::Device& device) {
  if (precision == torch::kHalf && !device.is_cuda())
    throw Error(ErrorCode::unsupported,
                "training.precision is \"float16\", which wants a GPU; on a CPU take bfloat16");
}

}  // namespace reenact::training
