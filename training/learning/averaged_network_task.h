// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "training/learning/loss_scaler.h"
#include "training/learning/precision.h"
#include "training/run/training_loop.h"

namespace reenact::training {

/// What tells one AveragedNetworkTask from another.
struct TaskDescription {
  ModelKind kind;
  std::string weight_prefix;    ///< of the tensors in the model file
  std::string deciding_metric;  ///< of validate()
};

/// A task in which one network learns by one optimiser, and the running average of its weights, a network
/// itself, validates and is shipped.
class AveragedNetworkTask : public TrainingTask {
 public:
  std::int64_t samples_per_step() const override { return samples_per_step_; }
  bool draws_ahead() const override { return draws_ahead_; }
  std::string deciding_metric() const override { return description_.deciding_metric; }
  ModelKind kind() const override { return description_.kind; }
  JsonObject network_config() const override { return network_config_; }
  void save_to(Checkpoint& checkpoint) override;
  void restore_from(const Checkpoint& checkpoint) override;
  void write(const std::filesystem::path& path, const ModelInfo& info) override;

 protected:
  /// Of `config`, the task's own, it takes network, half, training.batch_size, training.precision and
  /// data.prefetch. Throws Error (invalid) where `device` cannot compute in that precision.
  template <typename Config>
  AveragedNetworkTask(TaskDescription description, const Config& config, const torch::Device& device)
      : device_(device),
        scaler_(LossScaler::first_scale(config.training.precision)),
        description_(std::move(description)),
        network_config_(to_json(config.network)),
        samples_per_step_(config.training.batch_size),
        draws_ahead_(config.data.prefetch),
        half_(config.half) {
    check_precision(config.training.precision, device_);
  }

  /// Moves both to the device and begins the average at the network's weights. They must be members of the
  /// task, which makes optimizer_ afterwards.
  void average_of(torch::nn::Module& network, torch::nn::Module& average);
  /// optimizer_ over one group of parameters.
  void optimize(const std::vector<torch::Tensor>& parameters, double learning_rate, double weight_decay);
  /// The same by gradient descent with momentum in place of AdamW.
  void optimize_with_momentum(const std::vector<torch::Tensor>& parameters, double learning_rate,
                              double momentum);
  /// One step down the gradient of `loss`, left out where a scaled gradient is not finite. `gradient_limit`:
  /// norm of all gradients together, 0: none.
  void descend(const torch::Tensor& loss, double gradient_limit = 0);
  /// The average follows the network after the update of `step`, faster in the first ones than `decay` says.
  void follow(std::int64_t step, double decay);

  torch::Device device_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  LossScaler scaler_;

 private:
  TaskDescription description_;
  JsonObject network_config_;
  std::int64_t samples_per_step_;
  bool draws_ahead_;
  bool half_;  // store the weights as float16
  torch::nn::Module *learning_ = nullptr, *averaged_ = nullptr;
};

}  // namespace reenact::training
