// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

namespace reenact::training {

/// Mean absolute difference of face-mesh points, lips, lids and irises counted `expression_weight` times.
///
/// `predicted` and `wanted` [B, 478, 2] in 0..1 of the picture's side; `known` [B] is 0 for samples without
/// landmarks, which count as 0. Returns a scalar.
torch::Tensor landmark_loss(const torch::Tensor& predicted, const torch::Tensor& wanted,
                            const torch::Tensor& known, double expression_weight = 4.0);

}  // namespace reenact::training
