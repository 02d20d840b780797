// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/personalise/motion_reference.h"

#include <algorithm>

#include "reenact/error.h"

namespace reenact::training {
namespace F = torch::nn::functional;
namespace {

constexpr std::int64_t chunk = 8;  // heads drawn at a time, to bound memory

/// Evaluation mode for a scope.
class EvaluationMode {
 public:
  explicit EvaluationMode(torch::nn::Module& module) : module_(module), training_(module.is_training()) {
    module_.eval();
  }
  ~EvaluationMode() { module_.train(training_); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  torch::nn::Module& module_;
  bool training_;
};

}  // namespace

MotionReference::MotionReference(PersonalGenerator& person, PoseEncoderNetwork& pose_encoder,
                                 const torch::Tensor& poses, int pose_image_size)
    : poses_(poses), pose_image_size_(pose_image_size) {
  if (poses.dim() != 2 || poses.size(0) < 2)
    throw Error(ErrorCode::invalid, "found " + std::to_string(poses.dim() == 2 ? poses.size(0) : 0) +
                                        " poses of other people, wanted at least 2");
  torch::NoGradGuard no_grad;
  const EvaluationMode mode(*person);
  std::vector<torch::Tensor> parts;
  for (std::int64_t i = 0; i < size(); i += chunk)
    parts.push_back(seen(person, pose_encoder, poses_.slice(0, i, i + chunk)));
  before_ = torch::cat(parts);
  variance_ = std::max(before_.var(0, /*unbiased=*/false).mean().item<double>(), 1e-12);
}

torch::Tensor MotionReference::seen(PersonalGenerator& person, PoseEncoderNetwork& pose_encoder,
                                    const torch::Tensor& poses) const {
  const EvaluationMode mode(*pose_encoder);  // neither dropout nor statistics of drawn heads
  const auto head = person->forward(poses);
  constexpr double background = 0.5;
  auto picture = head.rgb + (1 - head.mask) * background;
  if (picture.size(2) != pose_image_size_)
    picture = F::interpolate(picture, F::InterpolateFuncOptions()
                                          .size(std::vector<std::int64_t>{pose_image_size_, pose_image_size_})
                                          .mode(torch::kArea));
  return pose_encoder->forward(picture);
}

torch::Tensor MotionReference::loss(PersonalGenerator& person, PoseEncoderNetwork& pose_encoder,
                                    const torch::Tensor& chosen) const {
  const auto now = seen(person, pose_encoder, poses_.index_select(0, chosen));
  return (now - before_.index_select(0, chosen)).square().mean() / variance_;
}

double MotionReference::lost(PersonalGenerator& person, PoseEncoderNetwork& pose_encoder) const {
  torch::NoGradGuard no_grad;
  const EvaluationMode mode(*person);
  double sum = 0;
  for (std::int64_t i = 0; i < size(); i += chunk) {
    const auto chosen = torch::arange(i, std::min(i + chunk, size()),
                                      torch::TensorOptions().dtype(torch::kLong).device(poses_.device()));
    sum += loss(person, pose_encoder, chosen).item<double>() * static_cast<double>(chosen.size(0));
  }
  return sum / static_cast<double>(size());
}

}  // namespace reenact::training
