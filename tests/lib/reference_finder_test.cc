// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/reference_finder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "support/small_landmark_head.h"

namespace reenact {
namespace {

using Pose = std::vector<float>;

class ReferenceFinderTest : public ::testing::Test {
 protected:
  /// The reference after `seconds` more of a pose, in `rate` frames a second.
  Pose after(const Pose& pose, double seconds, double rate = 25, const LandmarkHead* head = nullptr) {
    for (int frame = 0; frame < std::lround(seconds * rate); ++frame) see(pose, 1 / rate, head);
    return reference_;
  }
  Pose see(const Pose& pose, double interval = 0.04, const LandmarkHead* head = nullptr, bool held = false) {
    const auto reference = finder_.update(pose, {now_ += interval, face_, held}, head);
    return reference_ = {reference.begin(), reference.end()};
  }

  ReferenceFinder finder_;
  Pose reference_;
  double now_ = 100;
  unsigned face_ = 1;
};

TEST_F(ReferenceFinderTest, StartsAtTheFirstPose) {
  EXPECT_EQ(see({3, -4}), (Pose{3, -4}));
  EXPECT_EQ(after({3, -4}, 5), (Pose{3, -4}));
}

TEST_F(ReferenceFinderTest, LeavesAWrongStartWithinSecondsAndThenMovesSlowly) {
  see({0});
  EXPECT_GT(after({1}, 3)[0], 0.7);
  EXPECT_GT(after({1}, 7)[0], 0.93);
  // Half a second against the ten before.
  EXPECT_GT(after({0}, 0.5)[0], 0.9);
}

TEST_F(ReferenceFinderTest, TakesThePlainMeanOfASteadyMotion) {
  see({0.5});
  for (int frame = 0; frame < 30 * 25; ++frame) see({0.5f + std::sin(static_cast<float>(frame) * 0.1f)});
  EXPECT_NEAR(reference_[0], 0.5, 0.05);
}

TEST_F(ReferenceFinderTest, ForgetsWhatIsLongAgo) {
  see({0});
  after({0}, 300);
  EXPECT_NEAR(after({1}, 20)[0], 1 - std::exp(-1.0), 0.03);
}

TEST_F(ReferenceFinderTest, CountsTimeAndNotFrames) {
  see({0});
  const Pose slow = after({1}, 2, 15);
  finder_.reset();
  see({0});
  EXPECT_NEAR(after({1}, 2, 60)[0], slow[0], 0.02);
}

TEST_F(ReferenceFinderTest, KnowsNoTimeAndCountsThirtyFramesASecond) {
  ReferenceFinder other;
  const Pose zero = {0}, one = {1};
  other.update(zero, {}, nullptr);
  see(zero);
  float reference = 0;
  for (int frame = 0; frame < 90; ++frame) reference = other.update(one, {}, nullptr)[0];
  EXPECT_NEAR(after(one, 3, 30)[0], reference, 1e-4);
}

TEST_F(ReferenceFinderTest, NeverJumps) {
  constexpr double interval = 0.04;
  double farthest = 0;
  Pose before = see({0});
  const auto step = [&](float pose, double gap) {
    see({pose}, gap);
    farthest = std::max(farthest, static_cast<double>(std::abs(reference_[0] - before[0])));
    before = reference_;
  };
  for (int frame = 0; frame < 50; ++frame) step(1, interval);
  face_ = 2;
  for (int frame = 0; frame < 50; ++frame) step(-1, interval);
  EXPECT_LE(farthest, 2 * interval);
  // After a gap, and after a jump back in time.
  farthest = 0;
  step(1, 60);
  step(1, -60);
  EXPECT_LE(farthest, 0.2);
}

TEST_F(ReferenceFinderTest, GoesOverToAnotherFaceWithinSeconds) {
  see({0});
  after({0}, 60);
  face_ = 2;
  EXPECT_GT(after({1}, 3)[0], 0.9);
}

TEST_F(ReferenceFinderTest, TrustsRestingPosesMost) {
  const LandmarkHead head = test::SmallLandmarkHead().head();
  const Pose rest(8);
  // Mouth open, eyes closed, nose at the rim of the face; the last number tells them from rest.
  for (const Pose& moved :
       {Pose{0, 0, 10, 0, 0, 0, 0, 1}, Pose{-2, -2, 0, 0, 0, 0, 0, 1}, Pose{0, 0, 0, 30, 0, 0, 0, 1}}) {
    finder_.reset();
    see(rest, 0.04, &head);
    for (int i = 0; i < 20; ++i) {
      after(moved, 0.4, 25, &head);
      after(rest, 0.4, 25, &head);
    }
    EXPECT_LT(reference_[7], 0.3);
    EXPECT_GT(reference_[7], 0);
  }
}

TEST_F(ReferenceFinderTest, LearnsNothingFromAPoseThatIsHeld) {
  see({0});
  after({1}, 1);
  // It settles at the mean it has.
  for (int frame = 0; frame < 1000; ++frame) see({1}, 0.04, nullptr, true);
  EXPECT_NEAR(reference_[0], 1 / 1.5, 1e-3);
}

TEST_F(ReferenceFinderTest, IgnoresPosesThatAreNotFinite) {
  see({1, 2});
  EXPECT_EQ(see({std::numeric_limits<float>::quiet_NaN(), 0}), (Pose{1, 2}));
  EXPECT_EQ(see({1, 2}), (Pose{1, 2}));
}

TEST_F(ReferenceFinderTest, IgnoresALandmarkHeadOfOtherPoses) {
  const LandmarkHead head = test::SmallLandmarkHead().head();
  see({0}, 0.04, &head);
  EXPECT_GT(after({1}, 3, 25, &head)[0], 0.7);
}

}  // namespace
}  // namespace reenact
