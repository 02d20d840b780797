// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

namespace reenact::training {

/// FAb-Net's curriculum: of each batch only the samples between two percentiles of loss count, the easier half at first.
/// Whenever a validation has not improved for more than `patience` times, both percentiles move up by 0.1, until the upper
/// one has reached 0.85; then the learning rate falls to a tenth in their place.
class LossCurriculum {
 public:
  explicit LossCurriculum(int patience) : patience_(patience) {}
  /// Mean of those of `losses` [B] that count, at least one.
  torch::Tensor mean_of(const torch::Tensor& losses) const;
  /// After a validation with this error.
  void validated(double error);
  double lower() const { return lower_; }
  double upper() const { return lower_ + 0.5; }
  /// What the learning rate is multiplied by.
  double rate_share() const { return rate_share_; }

  /// As four numbers, and back.
  torch::Tensor state() const;
  void set_state(const torch::Tensor& state);

 private:
  int patience_;
  double lower_ = 0, rate_share_ = 1, best_ = -1;  // best_ is below 0 before the first validation
  int stale_ = 0;
};

}  // namespace reenact::training
