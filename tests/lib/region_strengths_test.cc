// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/region_strengths.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/small_landmark_head.h"

namespace reenact {
namespace {

using Pose = std::vector<float>;

class RegionStrengthsTest : public ::testing::Test {
 protected:
  FaceMeasures with(const RegionStrengths& strengths, const Pose& rest) const {
    return head_.measure(with_region_strengths(head_, moved_, rest, strengths));
  }
  const LandmarkHead head_ = test::SmallLandmarkHead().head();
  const Pose rest_ = Pose(8), moved_ = {-1, 1, 4, 2, 3, 0, 5, -5};
};

TEST_F(RegionStrengthsTest, OneLeavesThePoseToTheLastBit) {
  EXPECT_EQ(with_region_strengths(head_, moved_, rest_, {}), moved_);
}

TEST_F(RegionStrengthsTest, ZeroHoldsARegionWhereItRestsAndLeavesTheOthers) {
  const FaceMeasures rest = head_.measure(rest_), moved = head_.measure(moved_);
  const FaceMeasures still = with({.mouth = 0}, rest_);
  EXPECT_NEAR(still.mouth, rest.mouth, 1e-5);
  EXPECT_NEAR(still.turn, moved.turn, 1e-5);
  EXPECT_NEAR(still.left_lids, moved.left_lids, 1e-5);
  const FaceMeasures ahead = with({.bearing = 0}, rest_);
  EXPECT_NEAR(ahead.turn, rest.turn, 1e-5);
  EXPECT_NEAR(ahead.nod, rest.nod, 1e-5);
  EXPECT_NEAR(ahead.mouth, moved.mouth, 1e-5);
  const FaceMeasures staring = with({.eyes = 0}, rest_);
  EXPECT_NEAR(staring.left_lids, rest.left_lids, 1e-5);
  EXPECT_NEAR(staring.right_lids, rest.right_lids, 1e-5);
  EXPECT_NEAR(staring.nod, moved.nod, 1e-5);
}

TEST_F(RegionStrengthsTest, MoreThanOneExaggeratesInProportion) {
  const FaceMeasures rest = head_.measure(rest_), moved = head_.measure(moved_);
  for (const double strength : {0.5, 1.5, 2.0}) {
    const FaceMeasures found = with({.bearing = strength, .mouth = strength, .eyes = strength}, rest_);
    const FaceMeasures wanted = interpolated(rest, moved, strength);
    EXPECT_NEAR(found.mouth, wanted.mouth, 1e-4) << strength;
    EXPECT_NEAR(found.turn, wanted.turn, 1e-4) << strength;
    EXPECT_NEAR(found.nod, wanted.nod, 1e-4) << strength;
    EXPECT_NEAR(found.left_lids, wanted.left_lids, 1e-4) << strength;
  }
}

TEST_F(RegionStrengthsTest, WithoutARestingPoseItIsAFaceFromTheFront) {
  const FaceMeasures still = with({.bearing = 0, .mouth = 0}, {});
  EXPECT_NEAR(still.turn, 0, 1e-5);
  EXPECT_NEAR(still.nod, 0.1, 1e-5);
  EXPECT_NEAR(still.mouth, 0, 1e-5);
}

}  // namespace
}  // namespace reenact
