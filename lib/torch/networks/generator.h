// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <functional>
#include <string>
#include <vector>

#include "reenact/config.h"
#include "torch/networks/adain.h"
#include "torch/networks/spectral_norm.h"

namespace reenact {

/// Pre-activation residual block: AdaIN, ReLU, [nearest x2], 3x3, AdaIN, ReLU, 3x3, plus a skip connection,
/// which is the identity without upsampling and a 1x1 convolution with it.
class GeneratorBlockImpl : public torch::nn::Module {
 public:
  GeneratorBlockImpl(int in_channels, int out_channels, bool upsample, bool reflection_padding);
  torch::Tensor forward(const torch::Tensor& x, AdainCoefficients& coefficients);
  /// Coefficients this block takes: a bias and a weight for every channel of its two AdaIN layers.
  static int coefficient_count(int in_channels, int out_channels) { return 2 * (in_channels + out_channels); }

 private:
  torch::Tensor convolve(SpectralNormConv2d& convolution, const torch::Tensor& x);
  bool upsample_, reflection_padding_;
  SpectralNormConv2d conv1_ = nullptr, conv2_ = nullptr, skip_ = nullptr;
};
TORCH_MODULE(GeneratorBlock);

/// The AdaIN MLP: identity and pose embeddings side by side to the coefficients of every AdaIN layer.
class AdainProjectorImpl : public torch::nn::Module {
 public:
  /// `leaky`: FSTH+'s three layers without spectral norm and leaky ReLUs between, not the two of the paper.
  AdainProjectorImpl(int inputs, int hidden, int outputs, bool leaky = false);
  torch::Tensor forward(const torch::Tensor& joint);
  torch::Tensor output_bias();

 private:
  SpectralNormLinear fc1_ = nullptr, fc2_ = nullptr;
  std::vector<torch::nn::Linear> plain_;  // of the leaky form: fc1, fc2, fc3
};
TORCH_MODULE(AdainProjector);

/// What the generator draws, all [B, C, S, S].
struct GeneratedHead {
  torch::Tensor color;  ///< [B, 3, S, S] in (-0.25, 1.25), before it is multiplied by the mask
  torch::Tensor mask;   ///< [B, 1, S, S] in (0, 1); the authors' fake_segm
  torch::Tensor rgb;    ///< color * mask; the authors' fake_rgbs
};

/// What draws a head of a person's embedding and a pose.
class HeadGeneratorImpl : public torch::nn::Module {
 public:
  /// `identity` [B, d_i] or [1, d_i]; `pose` [B, d_p], or a picture of it where the architecture takes one.
  virtual GeneratedHead forward(const torch::Tensor& identity, const torch::Tensor& pose) = 0;
  /// Starts training faster than the authors' initialisation: every AdaIN layer with weight 1 and bias 0. For small presets
  /// that train for hours, not weeks.
  virtual void initialize_unit_gain() = 0;
};
TORCH_MODULE(HeadGenerator);
/// The generator whose architecture the configuration names.
HeadGenerator make_head_generator(const ReenactorConfig& config);

/// The generator of section 3.2 in the released code's form (final convolution 3x3, AdaIN before the
/// convolutions).
class GeneratorNetworkImpl : public HeadGeneratorImpl {
 public:
  explicit GeneratorNetworkImpl(const ReenactorConfig& config);
  /// `identity` [B, d_i] or [1, d_i], `pose` [B, d_p].
  GeneratedHead forward(const torch::Tensor& identity, const torch::Tensor& pose) override;
  /// Only the MLP: [B, coefficients].
  torch::Tensor coefficients(const torch::Tensor& identity, const torch::Tensor& pose);
  /// The constant becomes noise too, since instance normalisation turns a constant of ones into zeros.
  void initialize_unit_gain() override;
  /// Called with a name ("res0", "up3", "norm", "out") and a tensor after each stage when set; for
  /// comparisons.
  std::function<void(const std::string&, const torch::Tensor&)> observer;

 private:
  torch::Tensor constant_;
  std::vector<GeneratorBlock> blocks_;
  std::vector<std::string> block_names_;
  std::vector<int> adain_channels_;  ///< of every AdaIN layer, in the order of the coefficients
  int identity_coefficients_ = 0;    ///< of them, how many the identity alone decides
  SpectralNormConv2d out_ = nullptr;
  AdainProjector projector_ = nullptr;
};
TORCH_MODULE(GeneratorNetwork);

}  // namespace reenact
