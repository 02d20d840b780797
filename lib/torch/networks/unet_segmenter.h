// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <opencv2/core.hpp>
#include <vector>

#include "reenact/config.h"

namespace reenact {

/// Two 3x3 convolutions, each followed by batch normalisation and ReLU.
class UnetBlockImpl : public torch::nn::Module {
 public:
  UnetBlockImpl(int in_channels, int out_channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d conv1_ = nullptr, conv2_ = nullptr;
  torch::nn::BatchNorm2d norm1_ = nullptr, norm2_ = nullptr;
};
TORCH_MODULE(UnetBlock);

/// U-Net (Ronneberger et al., MICCAI 2015) that tells the person on a crop, shoulders and clothes included,
/// from the background. Padded convolutions keep the size; the decoder upsamples bilinearly.
class UnetSegmenterImpl : public torch::nn::Module {
 public:
  explicit UnetSegmenterImpl(const SegmenterConfig& config);
  /// [B, 3, S, S] in 0..1 -> logits [B, 1, S, S]; S is a multiple of 2^levels.
  torch::Tensor forward(const torch::Tensor& rgb);
  const SegmenterConfig& config() const { return config_; }

 private:
  SegmenterConfig config_;
  std::vector<UnetBlock> down_, up_;
  torch::nn::Conv2d out_ = nullptr;
};
TORCH_MODULE(UnetSegmenter);

/// Probability of the person for a crop (RGB CV_8UC3, any size): CV_8UC1 of the same size, 255 = person.
cv::Mat segment_person(UnetSegmenter& network, const cv::Mat& rgb);

}  // namespace reenact
