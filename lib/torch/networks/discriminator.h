// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <vector>

#include "torch/networks/self_attention.h"
#include "torch/networks/spectral_norm.h"

namespace reenact {

/// Sizes of a discriminator; the defaults are the paper's.
struct DiscriminatorConfig {
  bool patch = false;  ///< PatchDiscriminator instead of the paper's; takes num_channels and num_blocks alone
  int image_size = 256;
  int num_channels = 64;
  int max_channels = 512;
  int embedding_size = 512;     ///< d_i: its class embeddings are matched with identity embeddings
  int num_blocks = 7;           ///< feature maps it returns, the first one included
  int in_channels = 3;          ///< 6: with_condition() pictures
  bool self_attention = false;  ///< at an eighth of the side, as in FSTH's publication
  int num_labels = 1;           ///< classes (videos); 1 while a person is fine-tuned
  double embedding_eps =
      1e-4;  ///< of the embedding's spectral norm; the authors use 1e-12 for the single row of fine-tuning
};

/// ReLU, 3x3, ReLU, 3x3, [average pool]; its skip connection sees the rectified input, since the authors'
/// first ReLU works in place.
class DiscriminatorBlockImpl : public torch::nn::Module {
 public:
  DiscriminatorBlockImpl(int in_channels, int out_channels, bool downsample);
  /// `rectified` [B, in, H, W], already through a ReLU.
  torch::Tensor forward(const torch::Tensor& rectified);

 private:
  bool downsample_;
  SpectralNormConv2d conv1_ = nullptr, conv2_ = nullptr, skip_ = nullptr;
};
TORCH_MODULE(DiscriminatorBlock);

/// First block: 3x3, ReLU, 3x3, average pool, with a 1x1 skip connection.
class DiscriminatorStemImpl : public torch::nn::Module {
 public:
  DiscriminatorStemImpl(int in_channels, int out_channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  SpectralNormConv2d conv1_ = nullptr, conv2_ = nullptr, skip_ = nullptr;
};
TORCH_MODULE(DiscriminatorStem);

/// What one pass of the discriminator gives.
struct DiscriminatorOutput {
  torch::Tensor score;                  ///< [B], of patches [B, H', W']; higher is more real
  std::vector<torch::Tensor> features;  ///< num_blocks maps for feature matching: all but the last rectified
};

/// What a trainer asks of a discriminator.
class DiscriminatorNetwork : public torch::nn::Module {
 public:
  /// Class embeddings for forward(): [B] int64 -> [B, d_i]; undefined where classes do not count.
  virtual torch::Tensor embed(const torch::Tensor& labels) = 0;
  /// `rgb` [B, in_channels, S, S] masked picture, `embedding` from embed().
  virtual DiscriminatorOutput forward(const torch::Tensor& rgb, const torch::Tensor& embedding) = 0;
};

/// The projection discriminator (Miyato and Koyama, ICLR 2018; section 3.3 of the paper) on masked pictures.
class DiscriminatorImpl : public DiscriminatorNetwork {
 public:
  explicit DiscriminatorImpl(const DiscriminatorConfig& config);
  /// Rows of the normalised class embeddings. One power iteration in training mode.
  torch::Tensor embed(const torch::Tensor& labels) override;
  DiscriminatorOutput forward(const torch::Tensor& rgb, const torch::Tensor& embedding) override;

 private:
  DiscriminatorStem stem_ = nullptr;
  std::vector<DiscriminatorBlock> blocks_;
  SelfAttention attention_ = nullptr;
  SpectralNormLinear score_ = nullptr;
  SpectralNormEmbedding embed_ = nullptr;
};
TORCH_MODULE(Discriminator);

/// A picture and what it was drawn from, channel by channel, [B, 3, S, S] each -> [B, 6, S, S]: condition's red, picture's
/// red, condition's green, ..., as FSTH's discriminator sees them.
torch::Tensor with_condition(const torch::Tensor& rgb, const torch::Tensor& condition);

}  // namespace reenact
