// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/record_function.h>
#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>

namespace reenact::test {

/// Multiplications of all convolutions and matrix products that `action` runs in this thread, in thousand millions.
template <typename Action>
double giga_macs(Action&& action) {
  // Inputs are told at a call's beginning alone, outputs at its end.
  struct Products : at::ObserverContext {
    explicit Products(std::int64_t of_one_output) : of_one_output(of_one_output) {}
    std::int64_t of_one_output;
  };
  static thread_local std::int64_t count;
  const auto begin = [](const at::RecordFunction& call) -> std::unique_ptr<at::ObserverContext> {
    const std::string name = call.name();
    if (name == "aten::convolution") {
      const auto weight = call.inputs()[1].toTensor();
      return std::make_unique<Products>(weight.numel() / weight.size(0));
    }
    if (name == "aten::addmm") return std::make_unique<Products>(call.inputs()[1].toTensor().size(-1));
    if (name == "aten::mm" || name == "aten::bmm")
      return std::make_unique<Products>(call.inputs()[0].toTensor().size(-1));
    return nullptr;
  };
  const auto end = [](const at::RecordFunction& call, at::ObserverContext* context) {
    if (context)
      count += call.outputs().front().toTensor().numel() * static_cast<Products*>(context)->of_one_output;
  };
  count = 0;
  const auto handle = at::addThreadLocalCallback(at::RecordFunctionCallback(begin, end)
                                                     .needsInputs(true)
                                                     .needsOutputs(true)
                                                     .scopes({at::RecordScope::FUNCTION}));
  {
    torch::NoGradGuard no_grad;
    action();
  }
  at::removeCallback(handle);
  return static_cast<double>(count) / 1e9;
}

}  // namespace reenact::test
