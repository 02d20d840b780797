// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

namespace reenact::training {

/// The authors' dice loss of masks: -ln(2 * sum(p * t) / (sum p^2 + sum t^2)), sums over the whole batch.
///
/// `predicted` [B, 1, H, W] and `target` [B, 1, H, W] in 0..1: 0 at a perfect binary match. With a `target`
/// [B, 3, H, W] the prediction is broadcast and the target counts three times, as in the released code, whose
/// perfect match is -ln 1.5; see dice_loss_as_released(). Returns a scalar.
torch::Tensor dice_loss(const torch::Tensor& predicted, const torch::Tensor& target);

/// dice_loss() as the released code computes it: a `target` [B, 1, H, W] is repeated to three channels, one of
/// three is taken as it is.
torch::Tensor dice_loss_as_released(const torch::Tensor& predicted, const torch::Tensor& target);

}  // namespace reenact::training
