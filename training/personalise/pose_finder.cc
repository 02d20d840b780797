// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/personalise/pose_finder.h"

#include "reenact/error.h"
#include "reenact/model_file.h"
#include "training/data/pose_input.h"

namespace reenact::training {

PoseFinder::PoseFinder(const ReenactorConfig& config, const std::string& landmarks,
                       const std::string& expression, const torch::Device& device)
    : wants_landmarks_(PoseInput(config).needs_landmarks()),
      wants_descriptor_(PoseInput(config).needs_descriptor()) {
  if (wants_descriptor_ && !expression.empty()) {
    const auto path = find_model(expression);
    expression_.emplace(path);
    if (config.pose_embedding_size != LandmarkExpression::length)
      throw Error(ErrorCode::wrong_kind, "'" + path.string() + "' makes " +
                                             std::to_string(LandmarkExpression::length) +
                                             " numbers of a face, wanted " +
                                             std::to_string(config.pose_embedding_size) + ", as the model's");
  }
  if (!landmarks.empty() && (wants_landmarks_ || expression_))
    landmarks_ = load_landmark_network(landmarks, device);
}

void PoseFinder::complete(std::vector<HeadFrame>& frames) {
  torch::InferenceMode inference;
  for (auto& frame : frames) {
    const bool describe = wants_descriptor_ && frame.descriptor.empty();
    if (describe && !expression_)
      throw Error(
          ErrorCode::invalid,
          "a picture has no descriptor, wanted one by --descriptors, or a file of kind expression that "
          "makes them of facial points");
    if (!landmarks_.is_empty() && frame.landmarks.empty() && (wants_landmarks_ || describe))
      frame.landmarks = find_landmarks(landmarks_, {frame.rgb}).front();
    if (describe) frame.descriptor = expression_->pose(frame.landmarks);
  }
}

}  // namespace reenact::training
