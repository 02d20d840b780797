// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/head_rotation.h"

#include <cmath>

namespace reenact::training {
namespace {

std::array<float, 4> with_positive_real_part(const cv::Vec4d& q) {
  const double length = (q[0] < 0 ? -1 : 1) * cv::norm(q);
  std::array<float, 4> result;
  for (int i = 0; i < 4; ++i) result[static_cast<std::size_t>(i)] = static_cast<float>(q[i] / length);
  return result;
}

}  // namespace

std::array<float, 4> quaternion_of(const cv::Vec3d& vector) {
  const double angle = cv::norm(vector);
  // sin(angle / 2) / angle, which is a half where the angle vanishes.
  const double share = angle > 1e-9 ? std::sin(angle / 2) / angle : 0.5;
  return with_positive_real_part(
      {std::cos(angle / 2), share * vector[0], share * vector[1], share * vector[2]});
}

std::array<float, 4> quaternion_of(const cv::Matx33d& r) {
  // Four times the outer product of the quaternion with itself; its row with the largest square is the most exact.
  const cv::Matx44d products(
      1 + r(0, 0) + r(1, 1) + r(2, 2), r(2, 1) - r(1, 2), r(0, 2) - r(2, 0), r(1, 0) - r(0, 1),  //
      r(2, 1) - r(1, 2), 1 + r(0, 0) - r(1, 1) - r(2, 2), r(0, 1) + r(1, 0), r(0, 2) + r(2, 0),  //
      r(0, 2) - r(2, 0), r(0, 1) + r(1, 0), 1 - r(0, 0) + r(1, 1) - r(2, 2), r(1, 2) + r(2, 1),  //
      r(1, 0) - r(0, 1), r(0, 2) + r(2, 0), r(1, 2) + r(2, 1), 1 - r(0, 0) - r(1, 1) + r(2, 2));
  int best = 0;
  for (int i = 1; i < 4; ++i)
    if (products(i, i) > products(best, best)) best = i;
  return with_positive_real_part(
      {products(best, 0), products(best, 1), products(best, 2), products(best, 3)});
}

}  // namespace reenact::training
