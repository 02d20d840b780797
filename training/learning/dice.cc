// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/dice.h"

namespace reenact::training {

torch::Tensor dice_loss(const torch::Tensor& predicted, const torch::Tensor& target) {
  const auto overlap = (predicted * target).sum();
  return -torch::log(2.0 * overlap / (predicted.square().sum() + target.square().sum()));
}

torch::Tensor dice_loss_as_released(const torch::Tensor& predicted, const torch::Tensor& target) {
  return dice_loss(predicted, target.expand({-1, 3, -1, -1}));
}

}  // namespace reenact::training
