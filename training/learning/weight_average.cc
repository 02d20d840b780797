// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/weight_average.h"

#include "reenact/error.h"
#include "training/learning/state_tensors.h"

namespace reenact::training {
namespace {

std::map<std::string, torch::Tensor> state_of(torch::nn::Module& module) {
  std::map<std::string, torch::Tensor> state;
  for (const auto& item : module.named_parameters()) state[item.key()] = item.value().detach();
  for (const auto& item : module.named_buffers()) state[item.key()] = item.value().detach();
  return state;
}

}  // namespace

WeightAverage::WeightAverage(torch::nn::Module& module, double decay) : module_(module), decay_(decay) {
  if (!(decay >= 0.0 && decay <= 1.0))
    throw Error(ErrorCode::invalid,
                "the decay of a running average is " + std::to_string(decay) + ", but must be in 0..1");
  for (const auto& [name, tensor] : state_of(module)) average_[name] = tensor.clone();
}

void WeightAverage::update() {
  torch::NoGradGuard no_grad;
  for (const auto& item : module_.named_parameters())
    average_.at(item.key()).mul_(decay_).add_(item.value(), 1.0 - decay_);
  for (const auto& item : module_.named_buffers()) average_.at(item.key()).copy_(item.value());
}

void WeightAverage::restart() {
  for (const auto& [name, tensor] : state_of(module_)) average_.at(name).copy_(tensor);
}

void WeightAverage::swap() {
  torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : state_of(module_)) {
    auto& average = average_.at(name);
    const auto kept = tensor.clone();
    tensor.copy_(average);
    average.copy_(kept);
  }
}

void WeightAverage::copy_to(torch::nn::Module& other) const {
  auto target = state_of(other);
  copy_state_tensors(target, average_, "a running average");
}

void WeightAverage::set_state_tensors(const std::map<std::string, torch::Tensor>& state) {
  copy_state_tensors(average_, state, "a running average");
}

void update_average(torch::nn::Module& average, const torch::nn::Module& source, double decay) {
  torch::NoGradGuard no_grad;
  auto targets = average.parameters();
  const auto sources = source.parameters();
  if (!targets.empty() && targets.front().is_cuda()) {
    // One launch for all: there are hundreds of them.
    at::_foreach_mul_(targets, decay);
    at::_foreach_add_(targets, sources, 1 - decay);
  } else {
    for (std::size_t i = 0; i < targets.size(); ++i) targets[i].lerp_(sources[i], 1 - decay);
  }
  auto target_buffers = average.buffers();
  const auto source_buffers = source.buffers();
  for (std::size_t i = 0; i < target_buffers.size(); ++i) target_buffers[i].copy_(source_buffers[i]);
}

}  // namespace reenact::training
