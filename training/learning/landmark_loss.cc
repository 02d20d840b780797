// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/landmark_loss.h"

#include <array>
#include <vector>

namespace reenact::training {
namespace {

/// Lips, lids and irises in the numbering of mediapipe's face mesh.
const std::vector<int> expression_points = {
    61,  146, 91,  181, 84,  17,  314, 405, 321, 375, 291, 185, 40,  39,  37,  0,   267, 269, 270, 409, 78,
    95,  88,  178, 87,  14,  317, 402, 318, 324, 308, 191, 80,  81,  82,  13,  312, 311, 310, 415, 33,  7,
    163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246, 263, 249, 390, 373, 374, 380, 381,
    382, 362, 398, 384, 385, 386, 387, 388, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477};

struct MotionPair {
  std::int64_t first, second;
  float weight;
};

/// Points whose difference tells how far mouth and lids are open, and where the head looks: the nose against
/// ears, forehead and chin. Weights are about the inverse of how far each difference varies while people
/// talk.
constexpr std::array<MotionPair, 17> motion_pairs = {{{13, 14, 8},
                                                      {82, 87, 8},
                                                      {312, 317, 8},
                                                      {0, 17, 8},
                                                      {61, 291, 4},
                                                      {159, 145, 8},
                                                      {386, 374, 8},
                                                      {158, 153, 8},
                                                      {385, 380, 8},
                                                      {105, 159, 4},
                                                      {334, 386, 4},
                                                      {1, 234, 1},
                                                      {1, 454, 1},
                                                      {1, 10, 1.5},
                                                      {1, 152, 1.5},
                                                      {234, 454, 1},
                                                      {10, 152, 1}}};

/// [B, 478, 2] -> [B, 17, 2], weighted.
torch::Tensor motion_differences(const torch::Tensor& landmarks) {
  std::vector<std::int64_t> first, second;
  std::vector<float> weights;
  for (const auto& pair : motion_pairs) {
    first.push_back(pair.first);
    second.push_back(pair.second);
    weights.push_back(pair.weight);
  }
  const auto points = [&](const std::vector<std::int64_t>& list) {
    return landmarks.index_select(1, torch::tensor(list).to(landmarks.device()));
  };
  return (points(first) - points(second)) * torch::tensor(weights).to(landmarks.device()).unsqueeze(1);
}

}  // namespace

torch::Tensor landmark_loss(const torch::Tensor& predicted, const torch::Tensor& wanted,
                            const torch::Tensor& known, double expression_weight, double motion_weight) {
  auto weights = torch::ones({wanted.size(1)});
  for (int point : expression_points) weights[point] = expression_weight;
  weights = (weights / weights.mean()).to(wanted.device());
  const auto distance = (predicted - wanted).abs().mean(2) * weights;
  const auto motion = (motion_differences(predicted) - motion_differences(wanted)).abs().mean({1, 2});
  return ((distance.mean(1) + motion_weight * motion) * known).mean();
}

}  // namespace reenact::training
