// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/loss_scaler.h"

#include <vector>

#include "reenact/error.h"

namespace reenact::training {
namespace {

constexpr double least_scale = 1.0 / 65536;

std::vector<torch::Tensor> gradients_of(const torch::optim::Optimizer& optimizer) {
  std::vector<torch::Tensor> gradients;
  for (const auto& group : optimizer.param_groups())
    for (const auto& parameter : group.params())
      if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  return gradients;
}

/// Waits for the device once, however many tensors there are.
bool all_finite(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> sums;
  // A sum of zero times each value is zero, unless one is infinite or NaN; it cannot overflow.
  for (const auto& tensor : tensors) sums.push_back((tensor * 0).sum());
  return torch::stack(sums).sum().item<double>() == 0;
}

}  // namespace

LossScaler::LossScaler(double scale, std::int64_t growth_interval)
    : scale_(scale), growth_interval_(growth_interval) {}

double LossScaler::first_scale(torch::ScalarType precision) {
  return precision == torch::kHalf ? 65536 : 0;
}

torch::Tensor LossScaler::scaled(const torch::Tensor& loss) const {
  return scale_ > 0 ? loss * scale_ : loss;
}

bool LossScaler::unscale(const torch::optim::Optimizer& optimizer) {
  if (scale_ == 0) return true;
  torch::NoGradGuard no_grad;
  const auto gradients = gradients_of(optimizer);
  if (gradients.empty() || all_finite(gradients)) {
    for (auto gradient : gradients) gradient.mul_(1 / scale_);
    if (++good_steps_ == growth_interval_) {
      scale_ *= 2;
      good_steps_ = 0;
    }
    return true;
  }
  scale_ /= 2;
  good_steps_ = 0;
  if (scale_ < least_scale)
    throw Error(ErrorCode::invalid,
                "gradients are not finite although the loss scale has been halved down to " +
                    std::to_string(least_scale));
  return false;
}

void LossScaler::save_to(Checkpoint& checkpoint, const std::string& prefix) const {
  if (scale_ == 0) return;
  checkpoint.put(prefix + ".scale", torch::tensor(scale_, torch::kDouble));
  checkpoint.put(prefix + ".good_steps", torch::tensor(good_steps_, torch::kLong));
}

void LossScaler::restore_from(const Checkpoint& checkpoint, const std::string& prefix) {
  if (scale_ == 0 || !checkpoint.contains(prefix + ".scale")) return;
  scale_ = checkpoint.get(prefix + ".scale").item<double>();
  good_steps_ = checkpoint.get(prefix + ".good_steps").item<std::int64_t>();
}

}  // namespace reenact::training
