// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/pose_interpolation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace reenact {
namespace {

std::vector<float> between(const std::vector<float>& from, const std::vector<float>& to, double share) {
  std::vector<float> out(from.size());
  interpolate_poses(from, to, share, out);
  return out;
}

TEST(PoseInterpolation, GoesAlongTheCircleInEqualAngles) {
  const double angle = 2.1;
  const std::vector<float> from = {1, 0, 0}, to = {float(std::cos(angle)), float(std::sin(angle)), 0};
  for (const double share : {0.1, 0.25, 0.5, 0.9}) {
    const auto pose = between(from, to, share);
    EXPECT_NEAR(pose[0], std::cos(share * angle), 1e-6);
    EXPECT_NEAR(pose[1], std::sin(share * angle), 1e-6);
    EXPECT_EQ(pose[2], 0);
  }
}

TEST(PoseInterpolation, LengthsGoStraightFromOneToTheOther) {
  const auto pose = between({4, 0}, {0, 8}, 0.25);
  EXPECT_NEAR(std::hypot(pose[0], pose[1]), 5, 1e-5);
  EXPECT_NEAR(std::atan2(pose[1], pose[0]), std::numbers::pi / 8, 1e-6);
}

TEST(PoseInterpolation, EndsAreThePosesThemselves) {
  const std::vector<float> from = {0.1f, 0.7f}, to = {1e-3f, 5};
  EXPECT_EQ(between(from, to, 0), from);
  EXPECT_EQ(between(from, to, 1), to);
  EXPECT_EQ(between(from, to, -3), from);
  EXPECT_EQ(between(from, to, 3), to);
}

TEST(PoseInterpolation, IsStraightWhereThereIsNoCircle) {
  EXPECT_EQ(between({0, 0}, {2, 4}, 0.5), (std::vector<float>{1, 2}));
  EXPECT_EQ(between({3, 0}, {-1, 0}, 0.5), (std::vector<float>{1, 0}));
  EXPECT_EQ(between({2, 2}, {2, 2}, 0.3), (std::vector<float>{2, 2}));
}

TEST(PoseInterpolation, WritesOverAPoseItReads) {
  std::vector<float> pose = {1, 0};
  interpolate_poses(pose, std::vector<float>{0, 1}, 0.5, pose);
  EXPECT_NEAR(pose[0], std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(pose[1], std::sqrt(0.5), 1e-6);
}

}  // namespace
}  // namespace reenact
