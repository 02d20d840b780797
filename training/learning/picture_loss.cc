// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/picture_loss.h"

#include <array>

namespace reenact::training {
namespace {

/// Corner landmarks of a face part and the lids or lips between them.
struct FacePart {
  int left, right, upper, lower;
};
constexpr std::array<FacePart, 3> face_parts = {
    {{61, 291, 0, 17}, {33, 133, 159, 145}, {362, 263, 386, 374}}};

}  // namespace

torch::Tensor face_part_weights(const torch::Tensor& landmarks, const torch::Tensor& has_landmarks, int size,
                                double weight) {
  const auto batch = landmarks.size(0);
  const auto axis = (torch::arange(size, landmarks.options()) + 0.5) / size;
  const auto x = axis.view({1, 1, size}), y = axis.view({1, size, 1});
  auto map = torch::zeros({batch, size, size}, landmarks.options());
  const auto point = [&](int index) { return landmarks.select(1, index); };
  for (const auto& part : face_parts) {
    const auto center = (point(part.left) + point(part.right) + point(part.upper) + point(part.lower)) / 4;
    const auto reach = (point(part.left) - point(part.right)).norm(2, 1).mul(0.45).clamp_min(0.02);
    const auto dx = (x - center.select(1, 0).view({-1, 1, 1})) / reach.view({-1, 1, 1});
    const auto dy = (y - center.select(1, 1).view({-1, 1, 1})) / reach.view({-1, 1, 1});
    map = torch::maximum(map, torch::exp(-0.5 * (dx * dx + dy * dy)));
  }
  map = 1 + weight * map * has_landmarks.view({-1, 1, 1});
  return (map / map.mean({1, 2}, true)).unsqueeze(1);
}

torch::Tensor multi_scale_l1_loss(const torch::Tensor& fake, const torch::Tensor& real,
                                  const torch::Tensor& weights, int scales) {
  auto a = fake, b = real, w = weights;
  auto loss = ((a - b).abs() * w).mean();
  for (int i = 1; i < scales; ++i) {
    a = torch::avg_pool2d(a, 2);
    b = torch::avg_pool2d(b, 2);
    w = torch::avg_pool2d(w, 2);
    loss = loss + ((a - b).abs() * w).mean();
  }
  return loss / scales;
}

torch::Tensor image_gradient_loss(const torch::Tensor& fake, const torch::Tensor& real,
                                  const torch::Tensor& weights) {
  const auto difference = fake - real;
  const auto height = difference.size(2), width = difference.size(3);
  const auto horizontal = difference.narrow(3, 1, width - 1) - difference.narrow(3, 0, width - 1);
  const auto vertical = difference.narrow(2, 1, height - 1) - difference.narrow(2, 0, height - 1);
  return (horizontal.abs() * weights.narrow(3, 1, width - 1)).mean() +
         (vertical.abs() * weights.narrow(2, 1, height - 1)).mean();
}

}  // namespace reenact::training
