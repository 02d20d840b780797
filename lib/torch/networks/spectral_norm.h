// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

namespace reenact {

/// The state and arithmetic of spectral normalisation (Miyato et al., ICLR 2018) as
/// torch.nn.utils.spectral_norm has it: one power iteration for every forward pass in training mode, none in
/// evaluation mode, dimension 0 against the rest.
class SpectralNorm {
 public:
  /// Registers `weight`, and the buffers `sn_u` [out] and `sn_v` [rest], with `owner`. `eps` bounds the norms
  /// from below.
  SpectralNorm(torch::nn::Module& owner, torch::Tensor weight, double eps);

  /// weight / sigma; in training mode `sn_u` and `sn_v` advance first. Gradients flow through sigma, not
  /// through u and v.
  torch::Tensor normalized_weight(bool training);
  /// Iterates until u and v stand for the largest singular value of the present weight.
  void converge(int iterations = 30);
  /// Divides the weight by sigma once and for all; from then on normalized_weight() returns it as it is. For
  /// inference.
  void fold();

  torch::Tensor weight, u, v;

 private:
  void iterate();
  double eps_;
  bool folded_ = false;
};

/// Convolution with a spectrally normalised weight [out, in, kernel, kernel].
class SpectralNormConv2dImpl : public torch::nn::Module {
 public:
  SpectralNormConv2dImpl(int in_channels, int out_channels, int kernel_size, int padding, bool bias,
                         double eps = 1e-4, int stride = 1);
  /// [B, in, H, W] -> [B, out, H', W']
  torch::Tensor forward(const torch::Tensor& x);
  SpectralNorm& norm() { return norm_; }

 private:
  int padding_, stride_;
  torch::Tensor bias_;
  SpectralNorm norm_;
};
TORCH_MODULE(SpectralNormConv2d);

/// Fully connected layer with a spectrally normalised weight [out, in].
class SpectralNormLinearImpl : public torch::nn::Module {
 public:
  SpectralNormLinearImpl(int in_features, int out_features, double eps = 1e-4);
  /// [B, in] -> [B, out]
  torch::Tensor forward(const torch::Tensor& x);
  SpectralNorm& norm() { return norm_; }

 private:
  torch::Tensor bias_;
  SpectralNorm norm_;
};
TORCH_MODULE(SpectralNormLinear);

/// Table of embeddings, the whole of it spectrally normalised [rows, size].
class SpectralNormEmbeddingImpl : public torch::nn::Module {
 public:
  SpectralNormEmbeddingImpl(int rows, int size, double eps = 1e-4);
  /// [B] int64 -> [B, size]
  torch::Tensor forward(const torch::Tensor& rows);

 private:
  SpectralNorm norm_;
};
TORCH_MODULE(SpectralNormEmbedding);

/// Folds every spectrally normalised convolution and linear layer below `module`.
void fold_spectral_norms(torch::nn::Module& module);

}  // namespace reenact
