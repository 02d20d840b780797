// SPDX-License-Identifier: LGPL-2.1-or-later
// Compiled with NDEBUG, as LibTorch is: a record of a call has one member less then.
#include "support/multiplications.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>

#include <memory>
#include <string>

namespace reenact::test {

Multiplications count_multiplications(const std::function<void()>& work) {
  // Inputs are told at a call's beginning alone, outputs at its end.
  struct Products : at::ObserverContext {
    Products(std::int64_t of_one_output, bool of_points)
        : of_one_output(of_one_output), of_points(of_points) {}
    std::int64_t of_one_output;
    bool of_points;
  };
  static thread_local Multiplications count;
  count = {};
  const auto began = [](const at::RecordFunction& call) -> std::unique_ptr<at::ObserverContext> {
    const std::string name = call.name();
    if (name == "aten::convolution") {
      const auto weight = call.inputs()[1].toTensor();
      return std::make_unique<Products>(weight.numel() / weight.size(0),
                                        weight.size(2) * weight.size(3) == 1);
    }
    if (name != "aten::addmm" && name != "aten::mm" && name != "aten::bmm") return nullptr;
    return std::make_unique<Products>(call.inputs()[name == "aten::addmm" ? 1 : 0].toTensor().size(-1),
                                      false);
  };
  const auto ended = [](const at::RecordFunction& call, at::ObserverContext* context) {
    if (!context) return;
    const auto* products = static_cast<Products*>(context);
    (products->of_points ? count.of_points : count.others) +=
        call.outputs().front().toTensor().numel() * products->of_one_output;
  };
  const auto handle = at::addThreadLocalCallback(at::RecordFunctionCallback(began, ended)
                                                     .needsInputs(true)
                                                     .needsOutputs(true)
                                                     .scopes({at::RecordScope::FUNCTION}));
  {
    c10::NoGradGuard no_grad;
    work();
  }
  at::removeCallback(handle);
  return count;
}

}  // namespace reenact::test
