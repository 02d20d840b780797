// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <vector>

#include "torch/networks/discriminator.h"
#include "torch/networks/self_attention.h"

namespace reenact {

/// The embedder of "Few-Shot Adversarial Learning of Realistic Neural Talking Head Models" (Zakharov et al., ICCV 2019), FSTH:
/// the discriminator's blocks down to 4 x 4, rectified and summed over space.
class ConvSumEncoderImpl : public torch::nn::Module {
 public:
  /// `in_channels`: 3 for pictures, 6 with the stickman before each. `outputs` is the last block's width too.
  ConvSumEncoderImpl(int in_channels, int image_size, int outputs, double width = 1,
                     bool self_attention = false);
  /// [B, in, S, S] in 0..1 -> [B, outputs]
  torch::Tensor forward(const torch::Tensor& pictures);

 private:
  DiscriminatorStem stem_ = nullptr;
  std::vector<DiscriminatorBlock> blocks_;
  SelfAttention attention_ = nullptr;
};
TORCH_MODULE(ConvSumEncoder);

}  // namespace reenact
