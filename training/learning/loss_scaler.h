// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>

#include "training/run/checkpoint.h"

namespace reenact::training {

/// Dynamic loss scaling (Micikevicius et al., ICLR 2018, section 3.2): a loss is multiplied before its
/// backward pass, so that small gradients do not vanish in float16, and gradients are divided by the same
/// number after it. The scale halves when a gradient is not finite and doubles after so many steps in a row
/// in which all were. One scaler belongs to one optimiser.
///
/// A loss that is not finite is none of its business: no scale mends that, and the caller refuses it
/// beforehand.
class LossScaler {
 public:
  /// `scale` 0: losses and gradients stay as they are and nothing is checked.
  explicit LossScaler(double scale, std::int64_t growth_interval = 2000);
  /// The scale to begin with: 65536 for float16, none for the others, whose exponents reach as far as
  /// float32's.
  static double first_scale(torch::ScalarType precision);

  torch::Tensor scaled(const torch::Tensor& loss) const;
  /// Divides the gradients, and adapts the scale. False when one is not finite: then the step must be left
  /// out. Throws Error (invalid) when the scale has become so small that it cannot be the reason.
  bool unscale(const torch::optim::Optimizer& optimizer);

  double scale() const { return scale_; }
  /// As "prefix.scale" and "prefix.good_steps"; nothing when there is no scale.
  void save_to(Checkpoint& checkpoint, const std::string& prefix) const;
  /// A checkpoint of a run without a scale changes nothing.
  void restore_from(const Checkpoint& checkpoint, const std::string& prefix);

 private:
  double scale_;
  std::int64_t growth_interval_, good_steps_ = 0;
};

}  // namespace reenact::training
