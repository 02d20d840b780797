// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/radam.h"

#include <cmath>

#include "training/learning/state_tensors.h"

namespace reenact::training {

RAdam::RAdam(std::vector<torch::Tensor> parameters, const RAdamOptions& options)
    : parameters_(std::move(parameters)), options_(options), steps_(parameters_.size(), 0) {
  for (const auto& parameter : parameters_) {
    second_moments_.push_back(torch::zeros_like(parameter));
    // With beta1 = 0 the first moment is the gradient itself.
    if (options_.beta1 != 0) first_moments_.push_back(torch::zeros_like(parameter));
  }
}

RAdam::StepSize RAdam::step_size(std::int64_t step) const {
  const double power = std::pow(options_.beta2, static_cast<double>(step));
  const double longest = 2.0 / (1.0 - options_.beta2) - 1.0;
  const double length = longest - 2.0 * static_cast<double>(step) * power / (1.0 - power);
  const double correction = 1.0 - std::pow(options_.beta1, static_cast<double>(step));
  if (length >= 5.0)
    return {std::sqrt((1.0 - power) * (length - 4.0) / (longest - 4.0) * (length - 2.0) / length * longest /
                      (longest - 2.0)) /
                correction,
            true};
  return {options_.degenerated_to_sgd ? 1.0 / correction : 0.0, false};
}

void RAdam::step() {
  torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto gradient = parameters_[i].grad();
    if (!gradient.defined()) continue;
    auto& second = second_moments_[i];
    second.mul_(options_.beta2).addcmul_(gradient, gradient, 1.0 - options_.beta2);
    auto direction = gradient;
    if (!first_moments_.empty())
      direction = first_moments_[i].mul_(options_.beta1).add_(gradient, 1.0 - options_.beta1);
    const auto [factor, rectified] = step_size(++steps_[i]);
    if (factor == 0.0) continue;
    if (rectified)
      parameters_[i].addcdiv_(direction, second.sqrt().add_(options_.epsilon),
                              -factor * options_.learning_rate);
    else
      parameters_[i].add_(direction, -factor * options_.learning_rate);
  }
}

void RAdam::zero_grad() {
  for (auto& parameter : parameters_) parameter.mutable_grad().reset();
}

std::map<std::string, torch::Tensor> RAdam::state_tensors() const {
  std::map<std::string, torch::Tensor> state;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto position = std::to_string(i) + ".";
    state[position + "step"] = torch::tensor(steps_[i], torch::kLong);
    state[position + "exp_avg_sq"] = second_moments_[i];
    if (!first_moments_.empty()) state[position + "exp_avg"] = first_moments_[i];
  }
  return state;
}

void RAdam::set_state_tensors(const std::map<std::string, torch::Tensor>& state) {
  auto own = state_tensors();
  copy_state_tensors(own, state, "RAdam");
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    steps_[i] = own.at(std::to_string(i) + ".step").item<std::int64_t>();
}

}  // namespace reenact::training
