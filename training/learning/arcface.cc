// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/arcface.h"

#include <cmath>
#include <numbers>

namespace reenact::training {

torch::Tensor arcface_logits(const torch::Tensor& cosines, const torch::Tensor& labels, double scale,
                             double margin) {
  const auto own = labels.unsqueeze(1);
  const auto cosine = cosines.gather(1, own);
  // The root has no gradient at 0.
  const auto sine = (1 - cosine.pow(2)).clamp_min(1e-6).sqrt();
  const auto turned = cosine * std::cos(margin) - sine * std::sin(margin);
  const auto beyond = cosine - std::sin(margin) * margin;
  const auto with_margin = torch::where(cosine > std::cos(std::numbers::pi - margin), turned, beyond);
  return cosines.scatter(1, own, with_margin) * scale;
}

ArcFaceHeadImpl::ArcFaceHeadImpl(std::int64_t classes, std::int64_t embedding_size) {
  weight_ = register_parameter("weight", torch::randn({classes, embedding_size}) * 0.01);
}

torch::Tensor ArcFaceHeadImpl::forward(const torch::Tensor& vectors) {
  using torch::nn::functional::normalize;
  return torch::linear(normalize(vectors.to(torch::kFloat)), normalize(weight_)).clamp(-1, 1);
}

}  // namespace reenact::training
