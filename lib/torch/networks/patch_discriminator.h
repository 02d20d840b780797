// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "torch/networks/discriminator.h"

namespace reenact {

/// A discriminator of small patches (Isola et al., CVPR 2017), whoever they belong to: `num_blocks`
/// spectrally normalised 4x4 convolutions of stride 2 with leaky ReLUs, and one score for each place left. A
/// patch is told from a blurred one within some hundred steps, at a seventh of what the projection
/// discriminator costs.
class PatchDiscriminatorImpl : public DiscriminatorNetwork {
 public:
  explicit PatchDiscriminatorImpl(const DiscriminatorConfig& config);
  torch::Tensor embed(const torch::Tensor& labels) override;  ///< undefined
  /// Scores [B, S >> num_blocks, S >> num_blocks].
  DiscriminatorOutput forward(const torch::Tensor& rgb, const torch::Tensor& embedding) override;

 private:
  std::vector<SpectralNormConv2d> convolutions_;
  SpectralNormConv2d score_ = nullptr;
};
TORCH_MODULE(PatchDiscriminator);

/// The discriminator that `config` asks for.
std::shared_ptr<DiscriminatorNetwork> make_discriminator(const DiscriminatorConfig& config);

}  // namespace reenact
