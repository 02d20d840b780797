// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

namespace reenact::training {

/// Identity embeddings to begin with, made of what people look like, so that people who look alike begin
/// alike and an encoder can learn to tell the embedding of a person it never saw.
///
/// `heads` [N, C, s, s]: a small mean picture of each. Returns [N, size]: the principal components that vary
/// most, half whitened (the largest differences are of lighting and clothes, a face is in the smaller ones),
/// mixed by a random rotation, mean 0 and standard deviation `deviation` over all values.
torch::Tensor appearance_codes(const torch::Tensor& heads, int size, double deviation);

}  // namespace reenact::training
