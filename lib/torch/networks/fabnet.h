// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <vector>

// FAb-Net (Wiles, Koepke and Zisserman, BMVC 2018) as its authors released it.
namespace reenact {

/// A picture to a code of expression and bearing: FAb-Net+'s pose encoder.
class FabNetEncoderImpl : public torch::nn::Module {
 public:
  /// `image_size`: a power of two, halved down to 1; `width` multiplies the 32 to 256 channels.
  FabNetEncoderImpl(int image_size, int code_size, double width);
  /// [B, 3, S, S] in 0..1 -> [B, code_size], neither rectified nor normalised.
  torch::Tensor forward(const torch::Tensor& rgb);

 private:
  std::vector<torch::nn::Conv2d> convolutions_;
  std::vector<torch::nn::BatchNorm2d> norms_;  // none for the first and the last
};
TORCH_MODULE(FabNetEncoder);

/// Two codes to a field that a tanh bounds: of `outputs` 2 the flow, of 1 the attention.
class FabNetDecoderImpl : public torch::nn::Module {
 public:
  FabNetDecoderImpl(int image_size, int code_size, int outputs, double width);
  /// [B, 2 * code_size] -> [B, outputs, S, S] in -1..1
  torch::Tensor forward(const torch::Tensor& codes);

 private:
  std::vector<torch::nn::Conv2d> convolutions_;
  std::vector<torch::nn::BatchNorm2d> norms_;  // none for the last
};
TORCH_MODULE(FabNetDecoder);

/// All of it, for training: a target is drawn by warping other frames of its clip.
class FabNetImpl : public torch::nn::Module {
 public:
  FabNetImpl(int image_size, int code_size, double width);
  /// Sources [B, K, 3, S, S] and target [B, 3, S, S] in 0..1 -> the target as the sources can show it.
  torch::Tensor forward(const torch::Tensor& sources, const torch::Tensor& target);

  FabNetEncoder encoder = nullptr;
  FabNetDecoder flow = nullptr, mask = nullptr;
};
TORCH_MODULE(FabNet);

}  // namespace reenact
