// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/patch_discriminator.h"

namespace reenact {

PatchDiscriminatorImpl::PatchDiscriminatorImpl(const DiscriminatorConfig& config) {
  int in = config.in_channels, out = config.num_channels;
  for (int i = 0; i < config.num_blocks; ++i, in = out, out *= 2)
    convolutions_.push_back(register_module("conv" + std::to_string(i),
                                            SpectralNormConv2d(in, out, 4, 1, true, 1e-4, /*stride=*/2)));
  score_ = register_module("score", SpectralNormConv2d(in, 1, 3, 1, true));
}

torch::Tensor PatchDiscriminatorImpl::embed(const torch::Tensor&) {
  return {};
}

DiscriminatorOutput PatchDiscriminatorImpl::forward(const torch::Tensor& rgb, const torch::Tensor&) {
  DiscriminatorOutput output;
  auto x = 2 * rgb - 1;
  for (auto& convolution : convolutions_) {
    x = torch::leaky_relu(convolution(x), 0.2);
    output.features.push_back(x);
  }
  output.score = score_(x).to(torch::kFloat).squeeze(1);
  return output;
}

std::shared_ptr<DiscriminatorNetwork> make_discriminator(const DiscriminatorConfig& config) {
  if (config.patch) return PatchDiscriminator(config).ptr();
  return Discriminator(config).ptr();
}

}  // namespace reenact
