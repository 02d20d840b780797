// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/fused_adam.h"

#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "training/run/optimizer_state.h"

namespace reenact::training {
namespace {

using torch::optim::AdamParamState;

/// The state of a parameter, zeros before its first step.
template <typename States>
AdamParamState& state_of(States& states, const torch::Tensor& parameter) {
  auto& state = states[state_key<typename States::key_type>(parameter)];
  if (!state) {
    auto begun = std::make_unique<AdamParamState>();
    begun->step(0);
    begun->exp_avg(torch::zeros_like(parameter, torch::MemoryFormat::Preserve));
    begun->exp_avg_sq(torch::zeros_like(parameter, torch::MemoryFormat::Preserve));
    state = std::move(begun);
  }
  return static_cast<AdamParamState&>(*state);
}

bool all_on_cuda(const std::vector<torch::optim::OptimizerParamGroup>& groups) {
  for (const auto& group : groups)
    for (const auto& parameter : group.params())
      if (!parameter.is_cuda()) return false;
  return true;
}

}  // namespace

torch::Tensor FusedAdam::step(LossClosure closure) {
  if (closure || !all_on_cuda(param_groups_)) return torch::optim::Adam::step(std::move(closure));
  torch::NoGradGuard no_grad;
  for (auto& group : param_groups_) {
    const auto& options = static_cast<torch::optim::AdamOptions&>(group.options());
    std::vector<torch::Tensor> parameters, gradients, means, squares, counts;
    std::int64_t last_steps = 0;
    for (auto& parameter : group.params()) {
      if (!parameter.grad().defined()) continue;
      auto& state = state_of(state_, parameter);
      state.step(state.step() + 1);
      parameters.push_back(parameter);
      gradients.push_back(parameter.grad());
      means.push_back(state.exp_avg());
      squares.push_back(state.exp_avg_sq());
      // Nearly always all have made as many steps: one number on the device serves them.
      counts.push_back(state.step() == last_steps
                           ? counts.back()
                           : torch::full({}, static_cast<double>(state.step()),
                                         parameter.options().dtype(torch::kFloat).requires_grad(false)));
      last_steps = state.step();
    }
    if (parameters.empty()) continue;
    at::_fused_adam_(parameters, gradients, means, squares, {}, counts, options.lr(),
                     std::get<0>(options.betas()), std::get<1>(options.betas()), options.weight_decay(),
                     options.eps(), /*amsgrad=*/false, /*maximize=*/false);
  }
  return {};
}

}  // namespace reenact::training
