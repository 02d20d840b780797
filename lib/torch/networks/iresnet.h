// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <opencv2/core.hpp>
#include <vector>

#include "reenact/config.h"

namespace reenact {

/// The residual network that ArcFace was published with, in the layout and by the names of its PyTorch implementation:
/// blocks that begin with a batch normalisation, PReLU within, nothing after the sum.
class IResNetImpl : public torch::nn::Module {
 public:
  /// `dropout`: probability before the fully connected layer.
  explicit IResNetImpl(const RecogniserConfig& config, double dropout = 0);
  /// RGB [B, 3, S, S] in 0..1, aligned, S = image_size -> [B, embedding_size], not normalised.
  torch::Tensor forward(const torch::Tensor& rgb);
  const RecogniserConfig& config() const { return config_; }

 private:
  RecogniserConfig config_;
  double dropout_;
  torch::nn::Conv2d conv1_ = nullptr;
  torch::nn::BatchNorm2d bn1_ = nullptr, bn2_ = nullptr;
  torch::nn::PReLU prelu_ = nullptr;
  std::vector<torch::nn::Sequential> layers_;
  torch::nn::Linear fc_ = nullptr;
  torch::nn::BatchNorm1d features_ = nullptr;
};
TORCH_MODULE(IResNet);

/// Unit vectors [N, embedding_size] float32 on the CPU, of aligned faces (RGB CV_8UC3, image_size square). The network must
/// be in evaluation mode. Throws Error (invalid) for pictures of another size or type.
torch::Tensor describe_faces(IResNet& network, const std::vector<cv::Mat>& faces);

}  // namespace reenact
