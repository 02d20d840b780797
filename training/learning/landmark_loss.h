// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

namespace reenact::training {

/// Mean absolute difference of face-mesh points, lips, lids and irises counted `expression_weight` times, plus
/// `motion_weight` times that of the vectors between points that move against each other when mouth and lids open or the
/// head turns: a face placed well with its mouth shut costs little by points alone.
///
/// `predicted` and `wanted` [B, 478, 2] in 0..1 of the picture's side; `known` [B] is 0 for samples without
/// landmarks, which count as 0. Returns a scalar.
torch::Tensor landmark_loss(const torch::Tensor& predicted, const torch::Tensor& wanted,
                            const torch::Tensor& known, double expression_weight = 4.0,
                            double motion_weight = 2.0);

}  // namespace reenact::training
