// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/averaged_network_task.h"

#include <algorithm>

#include "torch/load_weights.h"
#include "training/learning/weight_average.h"

namespace reenact::training {

void AveragedNetworkTask::average_of(torch::nn::Module& network, torch::nn::Module& average) {
  learning_ = &network;
  averaged_ = &average;
  network.to(device_);
  average.to(device_);
  update_average(average, network, 0.0);
  average.eval();
  for (auto& parameter : average.parameters()) parameter.set_requires_grad(false);
}

void AveragedNetworkTask::optimize(const std::vector<torch::Tensor>& parameters, double learning_rate,
                                   double weight_decay) {
  optimizer_ = std::make_unique<torch::optim::AdamW>(
      parameters, torch::optim::AdamWOptions(learning_rate).weight_decay(weight_decay));
}

void AveragedNetworkTask::optimize_with_momentum(const std::vector<torch::Tensor>& parameters,
                                                 double learning_rate, double momentum) {
  optimizer_ = std::make_unique<torch::optim::SGD>(
      parameters, torch::optim::SGDOptions(learning_rate).momentum(momentum));
}

void AveragedNetworkTask::descend(const torch::Tensor& loss, double gradient_limit) {
  optimizer_->zero_grad();
  scaler_.scaled(loss).backward();
  if (!scaler_.unscale(*optimizer_)) return;
  if (gradient_limit > 0)
    torch::nn::utils::clip_grad_norm_(optimizer_->param_groups()[0].params(), gradient_limit);
  optimizer_->step();
}

void AveragedNetworkTask::follow(std::int64_t step, double decay) {
  const auto done = static_cast<double>(step);
  update_average(*averaged_, *learning_, std::min(decay, (1 + done) / (10 + done)));
}

void AveragedNetworkTask::save_to(Checkpoint& checkpoint) {
  checkpoint.put_module("network", *learning_);
  checkpoint.put_module("average", *averaged_);
  checkpoint.put_optimizer("optimizer", *optimizer_);
  scaler_.save_to(checkpoint, "scaler");
}

void AveragedNetworkTask::restore_from(const Checkpoint& checkpoint) {
  checkpoint.get_module("network", *learning_);
  checkpoint.get_module("average", *averaged_);
  checkpoint.get_optimizer("optimizer", *optimizer_);
  scaler_.restore_from(checkpoint, "scaler");
}

void AveragedNetworkTask::write(const std::filesystem::path& path, const ModelInfo& info) {
  write_model(path, info, weights_of(*averaged_, description_.weight_prefix), half_);
}

}  // namespace reenact::training
