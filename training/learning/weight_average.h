// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>

namespace reenact::training {

/// Running average of a network's weights, as the authors keep for generator and encoders: parameters are
/// averaged exponentially, buffers (batch statistics, vectors of the power iteration) are copied.
class WeightAverage {
 public:
  /// Starts from the module's present weights; the module must outlive the object. `decay` in 0..1: 0.999 in
  /// the authors' meta-learning, 0.972 while they fine-tune.
  WeightAverage(torch::nn::Module& module, double decay);

  /// average <- decay * average + (1 - decay) * weights; call it after every optimiser step.
  void update();
  /// average <- weights, as if they had never moved.
  void restart();
  /// Exchanges average and weights, for a validation with the average; a second call takes it back.
  void swap();
  /// Copies the average into another module of the same layout.
  void copy_to(torch::nn::Module& other) const;
  /// The average of every parameter and buffer, by its name in the module.
  const std::map<std::string, torch::Tensor>& tensors() const { return average_; }

  double decay() const { return decay_; }
  std::map<std::string, torch::Tensor> state_tensors() const { return average_; }
  /// Throws Error (wrong_kind) naming the first tensor that is missing, too many or of another shape.
  void set_state_tensors(const std::map<std::string, torch::Tensor>& state);

 private:
  torch::nn::Module& module_;
  double decay_;
  std::map<std::string, torch::Tensor> average_;
};

/// The same update of an average that is a network itself, `average` of the same layout as `source`, where it
/// must draw or be read beside the network that learns: average <- decay * average + (1 - decay) * source.
void update_average(torch::nn::Module& average, const torch::nn::Module& source, double decay);

}  // namespace reenact::training
