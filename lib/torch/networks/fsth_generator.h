// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <vector>

#include "torch/networks/discriminator.h"
#include "torch/networks/generator.h"
#include "torch/networks/self_attention.h"

namespace reenact {

/// Instance normalisation with weights of its own, ReLU, 3x3, twice, average pool; a 1x1 skip connection.
class FsthDownBlockImpl : public torch::nn::Module {
 public:
  FsthDownBlockImpl(int in_channels, int out_channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::InstanceNorm2d norm1_ = nullptr, norm2_ = nullptr;
  SpectralNormConv2d conv1_ = nullptr, conv2_ = nullptr, skip_ = nullptr;
};
TORCH_MODULE(FsthDownBlock);

/// FSTH's generator in the form of the paper authors' own repository: from a picture of the facial points, through four steps
/// down, four blocks with AdaIN and four steps up, to the head with its background. Its mask is 1 everywhere.
class FsthGeneratorImpl : public HeadGeneratorImpl {
 public:
  /// Of `config` it takes image_size, num_channels, max_channels, identity_embedding_size and self_attention.
  explicit FsthGeneratorImpl(const ReenactorConfig& config);
  /// `identity` [B, d_i] or [1, d_i], `stickman` [B, 3, S, S] in 0..1. Colors are those of a tanh, -1..1, as the authors
  /// compare them with targets of 0..1.
  GeneratedHead forward(const torch::Tensor& identity, const torch::Tensor& stickman) override;
  void initialize_unit_gain() override;
  /// The layer that makes the AdaIN numbers of an identity. Fine-tuning moves its bias alone, which is to move the numbers.
  SpectralNormLinear& project() { return project_; }

 private:
  DiscriminatorStem stem_ = nullptr;
  std::vector<FsthDownBlock> down_;
  std::vector<GeneratorBlock> blocks_;
  SelfAttention down_attention_ = nullptr, up_attention_ = nullptr;
  std::vector<int> adain_channels_;  // of every AdaIN layer, in the order of the coefficients
  std::size_t attended_down_ = 0, attended_block_ = 0;
  SpectralNormConv2d out_ = nullptr;
  SpectralNormLinear project_ = nullptr;
};
TORCH_MODULE(FsthGenerator);

}  // namespace reenact
