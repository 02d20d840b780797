// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

namespace reenact::training {

/// Weights [B, 1, size, size], 1 everywhere and up to 1 + `weight` around eyes and mouth, mean kept at 1,
/// from face-mesh `landmarks` [B, 478, 2] in 0..1; samples whose `has_landmarks` [B] is 0 get ones.
torch::Tensor face_part_weights(const torch::Tensor& landmarks, const torch::Tensor& has_landmarks, int size,
                                double weight);

/// Content loss where no perceptual network is at hand: mean absolute difference on a pyramid of `scales`
/// pictures, each half the one before. `weights` [B, 1, H, W] applies to the full size and is reduced along.
torch::Tensor multi_scale_l1_loss(const torch::Tensor& fake, const torch::Tensor& real,
                                  const torch::Tensor& weights, int scales = 4);

/// Mean absolute difference of horizontal and vertical neighbour differences: keeps edges where L1 alone
/// blurs them.
torch::Tensor image_gradient_loss(const torch::Tensor& fake, const torch::Tensor& real,
                                  const torch::Tensor& weights);

}  // namespace reenact::training
