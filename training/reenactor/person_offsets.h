// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

namespace reenact::training {

/// What a person's face adds to its pose embeddings, whatever it does: proportions of jaw, nose and brow that an encoder
/// trained on landmarks cannot but write down. Embedding minus offset tells expression and bearing alone.
///
/// `embeddings` [N, D] of frames; `features` [N, F] of the same frames, what is known of expression and bearing
/// (expression_features()); `people` [N] int64 in 0..count-1. Returns [count, D], mean 0 over the people that have frames,
/// 0 for those that have none.
///
/// 1. Within people, a linear model tells how embeddings change with the features. It is subtracted, so that somebody who
///    looks aside or smiles in all frames is not taken for somebody with such a face.
/// 2. Of what is left, each person's mean is the offset, shrunk along every principal axis by the share of the variance
///    that lies between people (empirical Bayes): where frames of one person differ as much as people do, one frame says
///    nothing of the person.
torch::Tensor person_offsets(const torch::Tensor& embeddings, const torch::Tensor& features,
                             const torch::Tensor& people, std::int64_t count);

/// What each of `rows` [N, D] differs by from the mean of its person's, float64 on the CPU; `people` [N] in 0..count-1.
torch::Tensor without_person_means(const torch::Tensor& rows, const torch::Tensor& people,
                                   std::int64_t count);

}  // namespace reenact::training
