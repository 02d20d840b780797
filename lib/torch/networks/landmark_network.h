// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "reenact/config.h"
#include "torch/networks/mobilenet_v2.h"

namespace reenact {

/// MobileNetV2 that gives the face mesh of a picture that a face fills.
class LandmarkNetworkImpl : public MobileNetV2Impl {
 public:
  /// `dropout`: probability before the last layer.
  explicit LandmarkNetworkImpl(const LandmarksConfig& config, double dropout = 0);
  /// RGB [B, 3, S, S] in 0..1, S = image_size -> [B, points, 2], x and y in 0..1 of the side, float32.
  torch::Tensor forward(const torch::Tensor& rgb);
  const LandmarksConfig& config() const { return config_; }

 private:
  LandmarksConfig config_;
};
TORCH_MODULE(LandmarkNetwork);

/// The network of a model file of kind `landmarks`, by its name for find_model(), in evaluation mode and with weights that do
/// not learn. Throws Error as ModelFile and load_weights() do, and wrong_kind for a FAN.
LandmarkNetwork load_landmark_network(const std::string& model, const torch::Device& device);

/// A square of a picture, in pixels.
struct FaceSquare {
  float left = 0, top = 0, side = 1;
};
/// The square around a mesh: in the middle of its bounding box, `framing` times the longer side. `scale` brings the mesh to
/// pixels.
FaceSquare square_around(const std::vector<cv::Point2f>& mesh, double framing, float scale = 1);
/// The square cut out and scaled to `size` x `size`; black outside. RGB CV_8UC3.
cv::Mat cut_square(const cv::Mat& rgb, const FaceSquare& square, int size);

/// The face meshes of head crops (RGB CV_8UC3, square, of any size), each in 0..1 of the side. Every crop is looked at three
/// times: as a whole, then twice closely, in the square around what was found before. The network must be in evaluation
/// mode. Throws Error (invalid) for other pictures.
std::vector<std::vector<cv::Point2f>> find_landmarks(LandmarkNetwork& network,
                                                     const std::vector<cv::Mat>& crops);

}  // namespace reenact
