// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include "reenact/config.h"
#include "torch/networks/generator.h"

namespace reenact::training {

/// A generator together with the one person it draws, as the authors' generator is while it is fine-tuned:
/// parameters "gen.*" and "identity_embedding" [1, d_i].
class PersonalGeneratorImpl : public torch::nn::Module {
 public:
  explicit PersonalGeneratorImpl(const ReenactorConfig& config);
  /// `pose` [B, d_p], or a picture of it where the architecture takes one.
  GeneratedHead forward(const torch::Tensor& pose) { return gen->forward(identity_embedding, pose); }

  HeadGenerator gen = nullptr;
  torch::Tensor identity_embedding;
};
TORCH_MODULE(PersonalGenerator);

}  // namespace reenact::training
