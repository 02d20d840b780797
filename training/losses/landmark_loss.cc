// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/losses/landmark_loss.h"

#include <vector>

namespace reenact::training {
namespace {

/// Lips, lids and irises in the numbering of mediapipe's face mesh.
const std::vector<int> expression_points = {
    61,  146, 91,  181, 84,  17,  314, 405, 321, 375, 291, 185, 40,  39,  37,  0,   267, 269, 270, 409, 78,
    95,  88,  178, 87,  14,  317, 402, 318, 324, 308, 191, 80,  81,  82,  13,  312, 311, 310, 415, 33,  7,
    163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246, 263, 249, 390, 373, 374, 380, 381,
    382, 362, 398, 384, 385, 386, 387, 388, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477};

}  // namespace

torch::Tensor landmark_loss(const torch::Tensor& predicted, const torch::Tensor& wanted,
                            const torch::Tensor& known, double expression_weight) {
  auto weights = torch::ones({wanted.size(1)}, wanted.options());
  for (int point : expression_points) weights[point] = expression_weight;
  weights = weights / weights.mean();
  const auto distance = (predicted - wanted).abs().mean(2) * weights;
  return (distance.mean(1) * known).mean();
}

}  // namespace reenact::training
