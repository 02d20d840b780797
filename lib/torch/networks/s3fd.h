// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <opencv2/core.hpp>
#include <vector>

#include "reenact/config.h"
#include "reenact/crop.h"

namespace reenact {

/// What S3FD says about one scale of anchors: squares of side 4 * stride, one a cell, centred at
/// stride/2 + index * stride.
struct S3fdOutput {
  int stride;             ///< 4, 8, 16, 32, 64, 128 pixels
  torch::Tensor scores;   ///< logits [B, 2, H, W]: background (after max-out), face
  torch::Tensor offsets;  ///< [B, 4, H, W]: centre x, centre y, log width, log height
};

/// S3FD (Zhang et al., ICCV 2017) with the layer names and the arithmetic of the face-alignment package,
/// including the padding of 3 in fc6 that shifts the maps of the three coarsest scales.
class S3fdImpl : public torch::nn::Module {
 public:
  /// `width` multiplies the channels of the VGG-16 backbone; 1 is the published network.
  explicit S3fdImpl(double width = 1.0);
  /// [B, 3, H, W] with H and W at least 32, values as `detector_input` makes them. Finest scale first.
  std::vector<S3fdOutput> forward(const torch::Tensor& pictures);

 private:
  struct Scale {
    int stride;
    torch::nn::Conv2d scores, offsets;
  };
  torch::nn::Conv2d convolution(const std::string& name, int in, int out, int kernel = 3, int stride = 1,
                                int padding = 1);
  std::vector<std::vector<torch::nn::Conv2d>> stages_;  // between the poolings
  std::vector<torch::nn::Conv2d> extra_;                // fc6 to conv7_2
  std::vector<torch::Tensor> norm_weights_;
  std::vector<Scale> scales_;
};
TORCH_MODULE(S3fd);

/// RGB CV_8UC3 pictures of one size as the network's input [B, 3, H, W] float: channel order and mean as the
/// configuration says, padded with zeros to at least 32 x 32 pixels.
torch::Tensor detector_input(const std::vector<cv::Mat>& rgb, const DetectorConfig& config);
/// The same of RGB bytes [B, H, W, 3] on any device.
torch::Tensor detector_input(const torch::Tensor& rgb, const DetectorConfig& config);

/// Faces of a picture (RGB CV_8UC3, any size, used as it is): boxes in its pixels after non-maximum
/// suppression with P(face) > `score_threshold`, best first.
std::vector<FaceBox> detect_faces(S3fd& network, const cv::Mat& rgb, const DetectorConfig& config,
                                  float score_threshold, float iou_threshold);

}  // namespace reenact
