// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace reenact::training {

/// Settings of RAdam; the defaults of beta1, beta2 and epsilon are the authors'.
struct RAdamOptions {
  double learning_rate = 5e-4;
  double beta1 = 0.0;
  double beta2 = 0.999;
  double epsilon = 1e-5;
  /// Plain gradient descent while the variance of the adaptive learning rate is intractable (the first 5
  /// updates with beta2 = 0.999), as in the implementation that the authors bundle; without it these updates
  /// leave the parameters alone.
  bool degenerated_to_sgd = true;
};

/// Rectified Adam (Liu et al., ICLR 2020, algorithm 2), in the form that the paper's code bundles: the length
/// of the approximated moving average must be at least 5, and epsilon is added to the root of the uncorrected
/// second moment.
class RAdam {
 public:
  RAdam(std::vector<torch::Tensor> parameters, const RAdamOptions& options);

  /// One update of every parameter that has a gradient.
  void step();
  /// Drops the gradients.
  void zero_grad();

  const std::vector<torch::Tensor>& parameters() const { return parameters_; }
  RAdamOptions& options() { return options_; }

  /// "<position>.step", "<position>.exp_avg_sq" and, unless beta1 is 0, "<position>.exp_avg".
  std::map<std::string, torch::Tensor> state_tensors() const;
  /// Throws Error (wrong_kind) naming the first tensor that is missing, too many or of another shape.
  void set_state_tensors(const std::map<std::string, torch::Tensor>& state);

 private:
  /// What the direction is multiplied with at update `step`, and whether it is divided by the root of the
  /// second moment.
  struct StepSize {
    double factor;
    bool rectified;
  };
  StepSize step_size(std::int64_t step) const;

  std::vector<torch::Tensor> parameters_;
  RAdamOptions options_;
  std::vector<std::int64_t> steps_;
  std::vector<torch::Tensor> first_moments_, second_moments_;  // no first moments when beta1 is 0
};

}  // namespace reenact::training
