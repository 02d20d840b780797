// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/pose_mapper.h"

#include <gtest/gtest.h>

#include <vector>

namespace reenact {
namespace {

using Pose = std::vector<float>;

Pose mapped(PoseMapper& mapper, const Pose& pose, const Pose& neutral, PoseMode mode, double strength) {
  const auto result = mapper.map(pose, neutral, mode, strength);
  return {result.begin(), result.end()};
}

TEST(PoseMapper, AbsoluteAtFullStrengthIsTheDriversPose) {
  PoseMapper mapper;
  EXPECT_EQ(mapped(mapper, {1, 2}, {5, 5}, PoseMode::absolute, 1), (Pose{1, 2}));
}

TEST(PoseMapper, AbsoluteStrengthCountsFromTheNeutralPose) {
  PoseMapper mapper;
  EXPECT_EQ(mapped(mapper, {1, 3}, {5, 5}, PoseMode::absolute, 0), (Pose{5, 5}));
  EXPECT_EQ(mapped(mapper, {1, 3}, {5, 5}, PoseMode::absolute, 0.5), (Pose{3, 4}));
  EXPECT_EQ(mapped(mapper, {1, 3}, {5, 5}, PoseMode::absolute, 2), (Pose{-3, 1}));
}

TEST(PoseMapper, RelativeAddsTheDriversMotionToTheNeutralPose) {
  PoseMapper mapper;
  EXPECT_EQ(mapped(mapper, {1, 1}, {5, 6}, PoseMode::relative, 1), (Pose{5, 6}))
      << "the first is the reference";
  EXPECT_EQ(mapped(mapper, {2, 0}, {5, 6}, PoseMode::relative, 1), (Pose{6, 5}));
  EXPECT_EQ(mapped(mapper, {2, 0}, {5, 6}, PoseMode::relative, 2), (Pose{7, 4}));
}

TEST(PoseMapper, TheNextPoseBecomesTheReferenceWhenAskedFor) {
  PoseMapper mapper;
  mapped(mapper, {1, 1}, {5, 5}, PoseMode::relative, 1);
  mapper.set_reference();
  EXPECT_EQ(mapped(mapper, {3, 3}, {5, 5}, PoseMode::relative, 1), (Pose{5, 5}));
  mapper.reset();
  EXPECT_EQ(mapped(mapper, {9, 9}, {5, 5}, PoseMode::relative, 1), (Pose{5, 5}));
}

TEST(PoseMapper, AnIdentityWithoutAFittingNeutralPoseRestsAtTheReference) {
  for (const Pose& neutral : {Pose{}, Pose{7, 7, 7}}) {
    PoseMapper mapper;
    EXPECT_EQ(mapped(mapper, {1, 1}, neutral, PoseMode::relative, 1), (Pose{1, 1}));
    EXPECT_EQ(mapped(mapper, {3, 2}, neutral, PoseMode::relative, 0.5), (Pose{2, 1.5}));
  }
}

TEST(PoseMapper, APoseOfAnotherLengthIsAReferenceOfItsOwn) {
  PoseMapper mapper;
  mapped(mapper, {1, 1}, {}, PoseMode::relative, 1);
  EXPECT_EQ(mapped(mapper, {4, 5, 6}, {}, PoseMode::relative, 1), (Pose{4, 5, 6}));
}

}  // namespace
}  // namespace reenact
