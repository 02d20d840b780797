// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <vector>

#include "reenact/config.h"
#include "torch/networks/discriminator.h"
#include "torch/networks/generator.h"

namespace reenact::bench {

/// torch.nn.utils.spectral_norm with all its steps, as a hook before each forward pass.
class ReferenceSpectralNorm {
 public:
  ReferenceSpectralNorm(torch::nn::Module& owner, std::vector<std::int64_t> shape, double eps);
  torch::Tensor operator()(bool training);

 private:
  torch::Tensor weight_, u_, v_;
  double eps_;
};

/// A spectrally normalised convolution, nn.Conv2d otherwise.
class ReferenceConvolutionImpl : public torch::nn::Module {
 public:
  ReferenceConvolutionImpl(int in, int out, int kernel, bool bias, double eps = 1e-4);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  int padding_;
  ReferenceSpectralNorm norm_;
  torch::Tensor bias_;
};
TORCH_MODULE(ReferenceConvolution);

/// The authors' generator as they wrote it: nn.InstanceNorm2d, then weight and bias in two steps, and the
/// skip connection convolved after upsampling. Parameters and buffers have the names of GeneratorNetwork.
class ReferenceGeneratorImpl : public torch::nn::Module {
 public:
  explicit ReferenceGeneratorImpl(const ReenactorConfig& config);
  GeneratedHead forward(const torch::Tensor& identity, const torch::Tensor& pose);

 private:
  struct Block {
    ReferenceConvolution conv1 = nullptr, conv2 = nullptr, skip = nullptr;
  };
  torch::Tensor constant_;
  std::vector<Block> blocks_;
  ReferenceConvolution out_ = nullptr;
  std::shared_ptr<torch::nn::Module> projector_;
  std::vector<ReferenceSpectralNorm> projector_norms_;
};
TORCH_MODULE(ReferenceGenerator);

/// The authors' projection discriminator as they wrote it: rectifying in place, skip connections convolved
/// before pooling, the whole table of class embeddings divided by its norm. Names as in Discriminator.
class ReferenceDiscriminatorImpl : public torch::nn::Module {
 public:
  explicit ReferenceDiscriminatorImpl(const DiscriminatorConfig& config);
  torch::Tensor embed(const torch::Tensor& labels);
  DiscriminatorOutput forward(const torch::Tensor& rgb, const torch::Tensor& embedding);

 private:
  struct Block {
    ReferenceConvolution conv1 = nullptr, conv2 = nullptr, skip = nullptr;
    bool pools = false;
  };
  static torch::Tensor convolve(Block& block, const torch::Tensor& x);
  std::vector<Block> blocks_;  ///< the stem first
  std::vector<ReferenceSpectralNorm> score_norm_, embed_norm_;
  torch::Tensor score_bias_;
};
TORCH_MODULE(ReferenceDiscriminator);

}  // namespace reenact::bench
