// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/record_function.h>
#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace reenact::test {

/// Multiplications of convolutions and matrix products, as LibTorch itself calls them.
struct Multiplications {
  std::int64_t of_points = 0;  ///< convolutions 1x1
  std::int64_t others = 0;     ///< larger convolutions, linear layers, products of matrices
  std::int64_t all() const { return of_points + others; }
  /// As the authors' code counts: ours convolves 1x1 on the side of a pooling or an upsampling that has a quarter of the
  /// pixels, which gives the same.
  std::int64_t as_published() const { return 4 * of_points + others; }
};

/// Counts those of `work`, which runs in this thread.
inline Multiplications count_multiplications(const std::function<void()>& work) {
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
    torch::NoGradGuard no_grad;
    work();
  }
  at::removeCallback(handle);
  return count;
}

}  // namespace reenact::test
