// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <vector>

#include "reenact/config.h"

// X2Face (Wiles, Koepke and Zisserman, ECCV 2018) as its authors released it. All sampling has align_corners = true.
namespace reenact {

/// Convolution 4x4 of stride 2 without bias: leaky ReLU before it but for the first, batch normalisation behind it but for
/// the first and the last.
class X2FaceDownImpl : public torch::nn::Module {
 public:
  X2FaceDownImpl(int in_channels, int out_channels, bool activated, bool normalized);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  bool activated_;
  torch::nn::Conv2d conv_ = nullptr;
  torch::nn::BatchNorm2d bn_ = nullptr;
};
TORCH_MODULE(X2FaceDown);

/// ReLU, bilinear x2, convolution 3x3 without bias, and batch normalisation but for the last.
class X2FaceUpImpl : public torch::nn::Module {
 public:
  X2FaceUpImpl(int in_channels, int out_channels, bool normalized);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d conv_ = nullptr;
  torch::nn::BatchNorm2d bn_ = nullptr;
};
TORCH_MODULE(X2FaceUp);

/// The driving network's way down to one pixel: X2Face+'s pose encoder. Its code is what the innermost convolution gives, not
/// rectified.
class X2FaceEncoderImpl : public torch::nn::Module {
 public:
  /// `image_size`: a power of two, halved down to 1, 8 times for the published 256. `width` multiplies the 64 to 512
  /// channels, `code_size` is the innermost number of them.
  X2FaceEncoderImpl(int image_size, int code_size, double width);
  /// [B, 3, S, S] in 0..1 -> [B, code_size]
  torch::Tensor forward(const torch::Tensor& rgb) { return maps(rgb).back().flatten(1); }
  /// What every convolution gives, [B, C, S/2, S/2] first.
  std::vector<torch::Tensor> maps(const torch::Tensor& rgb);

 private:
  std::vector<X2FaceDown> down_;
};
TORCH_MODULE(X2FaceEncoder);

/// pix2pix's U-Net in either form that X2Face has.
class X2FaceUnetImpl : public X2FaceEncoderImpl {
 public:
  /// `skips`: whether each step up takes what the step down beside it got; with `bounded` the output goes through a tanh.
  X2FaceUnetImpl(int image_size, int inner_size, int outputs, double width, bool skips, bool bounded);
  /// [B, 3, S, S] in 0..1 -> [B, outputs, S, S]
  torch::Tensor forward(const torch::Tensor& rgb);

 private:
  bool skips_, bounded_;
  std::vector<X2FaceUp> up_;  // the innermost first
};
TORCH_MODULE(X2FaceUnet);

/// The whole system: from pictures of a person a face as seen from the front, and from that the person in a driver's pose.
class X2FaceImpl : public torch::nn::Module {
 public:
  explicit X2FaceImpl(const WarperConfig& config);
  /// Sources [B, K, 3, S, S] in 0..1 -> the face they have in common [B, 3, S, S]. `confident`: weights have 0.1 added to
  /// them, as in drawing; without it as the authors' pictures of the face.
  torch::Tensor face(const torch::Tensor& sources, bool confident = true);
  /// Where the driver's pose takes each pixel from, [B, 2, S, S] in shares of half the side, x first; at most
  /// tanh(1) = 0.7616, since both network and system end in a tanh.
  torch::Tensor offsets(const torch::Tensor& drivers);
  /// `faces` [B, 3, S, S] or [1, 3, S, S] in the drivers' [B, 3, S, S] poses, in 0..1.
  torch::Tensor draw(const torch::Tensor& faces, const torch::Tensor& drivers);

 private:
  X2FaceUnet drive_ = nullptr, embed_ = nullptr;  // x2drive, x2embed
};
TORCH_MODULE(X2Face);

/// Pictures [B, C, S, S] sampled at the identity grid plus `offsets` [B, 2, S, S]: bilinear, zeros outside, corners aligned.
torch::Tensor warped(const torch::Tensor& pictures, const torch::Tensor& offsets);
/// The identity grid linspace(-1, 1) [1, 2, size, size], x first.
torch::Tensor identity_grid(std::int64_t size, const torch::Device& device);

}  // namespace reenact
