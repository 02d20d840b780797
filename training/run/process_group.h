// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "training/run/process_place.h"

namespace reenact::training {

/// The processes that train one model together, over LibTorch's c10d: tensors on GPUs travel with NCCL where
/// the build has it, all else with Gloo. So votes, losses and signs of life take the same way on all devices.
///
/// All of them must call the same members in the same order. A lost process shows in the next call of every
/// other: Error (unreadable) in one sentence, at once when its connection broke, after the timeout when its
/// machine fell silent. A group of one does nothing and costs nothing.
class ProcessGroup {
 public:
  /// A group of one.
  ProcessGroup();
  /// Waits for all others. Throws Error: unsupported when this LibTorch has no Gloo, unreadable naming a
  /// missing rank after `patience`, which counts in whole seconds. `device`: where the model learns.
  explicit ProcessGroup(const ProcessPlace& place, std::chrono::milliseconds timeout = default_timeout,
                        std::chrono::seconds patience = default_patience,
                        const torch::Device& device = torch::kCPU);
  ~ProcessGroup();
  ProcessGroup(ProcessGroup&&) noexcept;
  ProcessGroup& operator=(ProcessGroup&&) noexcept;

  int rank() const { return place_.rank; }
  int count() const { return place_.count; }
  /// Whether this process writes files and logs.
  bool is_main() const { return rank() == 0; }

  /// Replaces tensors of floating point by their means over all processes. Undefined ones are passed over.
  void average(const std::vector<torch::Tensor>& tensors);
  /// The same for the gradients of an optimiser's parameters.
  void average_gradients(const torch::optim::Optimizer& optimizer);
  /// The same for running_mean and running_var of every batch normalisation below `module`.
  void average_batch_statistics(const torch::nn::Module& module);
  /// The same for values by name; all processes give the same names.
  void average(std::map<std::string, double>& values);
  /// Copies rank 0's parameters and buffers to all.
  void broadcast(const torch::nn::Module& module);
  /// True on all when any says so.
  bool any(bool mine);
  /// Runs `work`, which may take any time and must not call the group, on every process, and waits for all;
  /// signs of life go around meanwhile.
  void wait_for(const std::function<void()>& work);
  /// The same with `work` on rank 0 alone.
  void on_main(const std::function<void()>& work);

  /// Whether gradients on GPUs are exchanged without a way over the CPU.
  static bool has_nccl();

  static constexpr std::chrono::milliseconds default_timeout{40'000};
  static constexpr std::chrono::seconds default_patience{60};

 private:
  struct Backend;
  void sum(torch::Tensor& tensor);

  ProcessPlace place_;
  std::chrono::milliseconds timeout_ = default_timeout;
  std::unique_ptr<Backend> backend_;
};

}  // namespace reenact::training
