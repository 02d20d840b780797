// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <vector>

namespace reenact::training {

/// Hinge loss of the generator (Lim and Ye, 2017; section 3.4 of the paper): the mean of -score over the
/// batch. `score` [B] of generated pictures. Returns a scalar.
torch::Tensor hinge_generator_loss(const torch::Tensor& score);

/// Hinge loss of the discriminator: mean of max(0, 1 - real) plus mean of max(0, 1 + fake). `real` and `fake`
/// [B]. Returns a scalar.
torch::Tensor hinge_discriminator_loss(const torch::Tensor& real, const torch::Tensor& fake);

/// Feature matching (Wang et al., CVPR 2018): the mean over the discriminator's feature maps of the mean
/// absolute difference, no gradient to `real_features`. Returns a scalar, which the paper's code weighs by 10.
/// Throws Error (invalid) when the lists differ in length or are empty.
torch::Tensor feature_matching_loss(const std::vector<torch::Tensor>& fake_features,
                                    const std::vector<torch::Tensor>& real_features);

/// Embedding match of the projection discriminator (Zakharov et al., ICCV 2019): the mean absolute difference
/// between the embedding of the first identity frame of each sample and the discriminator's row of its class,
/// no gradient to the row. `elementwise_embeddings` [B, K, d], `rows` [B, d]. Returns a scalar.
torch::Tensor embedding_match_loss(const torch::Tensor& elementwise_embeddings, const torch::Tensor& rows);

}  // namespace reenact::training
