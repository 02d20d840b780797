// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/face_measures.h"

#include <nlohmann/json.hpp>

#include "reenact/error.h"
#include "torch/load_weights.h"
#include "training/data/face_alignment.h"
#include "training/data/face_variation.h"
#include "training/learning/expression_loss.h"

namespace reenact::training {

IResNet load_recogniser(const std::string& model, const torch::Device& device) {
  const ModelFile file(find_model(model), ModelKind::recogniser);
  IResNet network(file.info().config.get<RecogniserConfig>());
  load_weights(*network, file, "arc.");
  network->to(device);
  network->eval();
  for (auto& parameter : network->parameters()) parameter.set_requires_grad(false);
  return network;
}

std::vector<cv::Mat> without_background(const std::vector<HeadFrame>& frames) {
  std::vector<cv::Mat> pictures;
  for (const auto& frame : frames) {
    pictures.push_back(frame.rgb.clone());
    if (!frame.mask.empty())
      replace_background(pictures.back(), frame.mask, cv::Mat(frame.rgb.size(), CV_8UC3, cv::Scalar::all(0)));
  }
  return pictures;
}

torch::Tensor describe_heads(IResNet& recogniser, LandmarkNetwork& landmarks,
                             const std::vector<cv::Mat>& pictures) {
  const auto meshes = find_landmarks(landmarks, pictures);
  std::vector<cv::Mat> faces;
  for (std::size_t i = 0; i < pictures.size(); ++i)
    faces.push_back(aligned_face(pictures[i], meshes[i], recogniser->config().image_size));
  return describe_faces(recogniser, faces);
}

const std::vector<ExpressionGroup>& expression_groups() {
  // Of the tilt's unit vector the second number is the sine, which alone changes much while heads are upright.
  static const std::vector<ExpressionGroup> groups = {
      {"turn", {turn_feature}, 0.067}, {"nod", {8}, 0.033},
      {"tilt", {10}, 0.033},           {"mouth", {2, 3}, 0.1},
      {"mouth_width", {4}, 0.033},     {"lids", {0, 1}, 0.1},
      {"brows", {5, 6}, 0.02},         {"gaze_across", {13, 15}, 0.033},
      {"gaze_down", {14, 16}, 0.033}};
  return groups;
}

std::vector<std::vector<double>> expression_measures(const std::vector<Mesh>& meshes) {
  const auto& groups = expression_groups();
  std::vector<std::vector<double>> measures(meshes.size(), std::vector<double>(groups.size()));
  if (meshes.empty()) return measures;
  const auto points = static_cast<std::int64_t>(meshes.front().size());
  auto tensor = torch::empty({static_cast<std::int64_t>(meshes.size()), points, 2});
  float* values = tensor.data_ptr<float>();
  for (const auto& mesh : meshes)
    for (const auto& point : mesh) {
      *values++ = point.x;
      *values++ = point.y;
    }
  const auto features = expression_features(tensor).contiguous();
  const auto feature = features.accessor<float, 2>();
  for (std::size_t i = 0; i < meshes.size(); ++i)
    for (std::size_t g = 0; g < groups.size(); ++g)
      for (const auto index : groups[g].features)
        measures[i][g] +=
            feature[static_cast<std::int64_t>(i)][index] / static_cast<double>(groups[g].features.size());
  return measures;
}

}  // namespace reenact::training
