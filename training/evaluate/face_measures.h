// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "torch/networks/iresnet.h"
#include "torch/networks/landmark_network.h"
#include "training/data/head_clip.h"

namespace reenact::training {

using Mesh = std::vector<cv::Point2f>;

/// The network of a model file of kind `recogniser`, ready to measure. Throws Error as ModelFile and load_weights() do.
IResNet load_recogniser(const std::string& model, const torch::Device& device);

/// Pictures of frames, backgrounds made black by the masks of those that have one.
std::vector<cv::Mat> without_background(const std::vector<HeadFrame>& frames);

/// Unit vectors [N, d] of the faces in pictures, RGB CV_8UC3 square, by the meshes that the landmark network finds.
torch::Tensor describe_heads(IResNet& recogniser, LandmarkNetwork& landmarks,
                             const std::vector<cv::Mat>& pictures);

/// Features of expression_features() that tell of one movement: their mean is its measure.
struct ExpressionGroup {
  std::string name;
  std::vector<std::int64_t> features;
  /// A third of what the measure varies by while somebody talks; who varies less hardly moves in it.
  double least_deviation = 0;
};
/// turn, nod, tilt, mouth, mouth_width, lids, brows, gaze_across and gaze_down.
const std::vector<ExpressionGroup>& expression_groups();

/// The measures of expression_groups() [N][groups] of meshes.
std::vector<std::vector<double>> expression_measures(const std::vector<Mesh>& meshes);

}  // namespace reenact::training
