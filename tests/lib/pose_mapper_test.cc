// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/pose_mapper.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "support/small_landmark_head.h"

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

class AutomaticPose : public ::testing::Test {
 protected:
  AutomaticPose() { mapper_.set_landmark_head(head_); }

  Pose mapped(const Pose& pose, double interval = 0.04) {
    const auto result =
        mapper_.map(pose, rest_, PoseMode::automatic, 1, {.seconds = now_ += interval, .face = face_});
    return {result.begin(), result.end()};
  }

  // Rests with a mouth that is slightly open and a nose to the left, and is another person in the last two numbers.
  Pose rest_ = {0, 0, 1, -2, 0.5f, 0, 10, 20};
  std::shared_ptr<const LandmarkHead> head_ =
      std::make_shared<const LandmarkHead>(test::SmallLandmarkHead().head());
  PoseMapper mapper_;
  double now_ = 0;
  unsigned face_ = 1;
};

TEST_F(AutomaticPose, HasTheIdentitysShape) {
  // Starts with closed eyes, in the middle of a word, looking aside.
  const std::vector<Pose> clip = {
      {-2, -2, 5, 4, 1, 0, 3, -3}, {0.5f, 0, 0, 4, 1, 0, 3, -3}, {0, 0, 8, 6, -2, 0, 3, -3}};
  for (int i = 0; i < 200; ++i) {
    const Pose& pose = clip[static_cast<std::size_t>(i / 7 % 3)];
    const Pose result = mapped(pose);
    EXPECT_NEAR(result[6], 10, 1e-3);
    EXPECT_NEAR(result[7], 20, 1e-3);
  }
}

TEST_F(AutomaticPose, AimsBeyondTheDriverSinceLessOfItIsDrawn) {
  Pose result;
  for (int i = 0; i < 2000; ++i) result = mapped({0.5f, 0.5f, 3, 4, 2.5f, 0, 1, 1});
  EXPECT_NEAR(result[0], 1.8 * 0.5, 0.02);
  EXPECT_NEAR(result[2], 1 + 1.2 * (3 - 1), 0.05);
  EXPECT_NEAR(result[3], -2 + 1.5 * (4 - -2), 0.02) << "of a driver who looks aside all the time";
  EXPECT_NEAR(result[4], 0.5 + 1.5 * (2.5 - 0.5), 0.02);
}

TEST_F(AutomaticPose, TakesMostOfTheUsualHeightOfBrowsForTheFaces) {
  test::SmallLandmarkHead small;
  for (const int brow : {105, 334}) small.weight[(2 * brow + 1) * test::SmallLandmarkHead::size + 7] = -0.1f;
  mapper_.set_landmark_head(std::make_shared<const LandmarkHead>(small.head()));
  rest_ = Pose(8);
  Pose result;
  constexpr double usual = 2, kept = 0.28, beyond = 3;
  for (int i = 0; i < 2000; ++i) result = mapped({0.5f, 0.5f, 0, 0, 0, 0, 0, usual});
  EXPECT_NEAR(result[7], beyond * kept * usual, 0.05);
  result = mapped({0.5f, 0.5f, 0, 0, 0, 0, 0, 4});
  const double moved = 0.6 * (4 - usual);  // with all that is not measured
  EXPECT_NEAR(result[7], moved + beyond * (4 - usual + kept * usual - moved), 0.05);
}

TEST_F(AutomaticPose, CountsFromTheMeanOfAllWithoutALandmarkHead) {
  mapper_.set_landmark_head(nullptr);
  EXPECT_EQ(mapped({1, 1, 1, 1, 1, 1, 1, 1}), rest_);
  Pose result;
  for (int i = 0; i < 20 * 25; ++i) result = mapped({2, 1, 1, 1, 1, 1, 1, 1});
  EXPECT_NEAR(result[0], rest_[0], 0.1);
}

TEST_F(AutomaticPose, HoldsTheReferenceThatWasAskedForUntilAnotherFaceComes) {
  const Pose asked = {0, 0, 4, 3, 0, 0, 1, 2}, other = {0, 0, 4, 3, 0, 0, 9, 2};
  mapped(other);
  mapper_.set_reference();
  mapped(asked);
  for (int i = 0; i < 250; ++i) mapped(other);
  EXPECT_NEAR(mapped(asked)[6], 10, 0.01);
  face_ = 2;
  for (int i = 0; i < 250; ++i) mapped(other);
  EXPECT_NEAR(mapped(other)[6], 10, 0.01);
}

TEST_F(AutomaticPose, ShowsThreeFifthsOfWhatIsNotMeasuredButMovesWithTheDriver) {
  for (int i = 0; i < 250; ++i) mapped({0, 0, 0, 0, 0, 0, 4, 5});
  const Pose result = mapped({0, 0, 0, 0, 0, 0, 7, 5});
  EXPECT_NEAR(result[6], 10 + 0.6 * 3, 0.05);
  EXPECT_NEAR(result[7], 20, 0.05);
}

TEST_F(AutomaticPose, StrengthCountsFromTheRestingPose) {
  const Pose driver = {1, 1, 5, 4, 2.5f, 0, 3, 3};
  const auto result = [&](double strength) {
    const auto mapped = mapper_.map(driver, rest_, PoseMode::automatic, strength);
    return Pose(mapped.begin(), mapped.end());
  };
  const Pose none = result(0), half = result(0.5), twice = result(2);
  for (std::size_t k = 0; k < rest_.size(); ++k) EXPECT_NEAR(none[k], rest_[k], 1e-3) << k;
  // The mean is still the first pose with its mouth closed, where that number is a half.
  const double half_way = 1 + 0.5 * 0.6 * (5 - 0.5), twice_the_way = 1 + 2 * 0.6 * (5 - 0.5);
  EXPECT_NEAR(half[2], half_way + 1.2 * (3 - half_way), 0.03);
  EXPECT_NEAR(half[3], -2 + 1.5 * (1 - -2), 0.02);
  EXPECT_NEAR(twice[2], twice_the_way + 1.2 * (9 - twice_the_way), 0.1);
}

TEST_F(AutomaticPose, DrawsAnIdentityWithoutRestingPoseAsTheDriver) {
  const Pose pose = {0, 0, 4, 3, 0, 0, 1, 2};
  mapper_.map(Pose(8), {}, PoseMode::automatic, 1);
  const auto result = mapper_.map(pose, {}, PoseMode::automatic, 1);
  for (std::size_t i = 0; i < pose.size(); ++i) EXPECT_NEAR(result[i], pose[i], 1e-5);
}

TEST_F(AutomaticPose, IsFoundWhileAnotherModeIsOn) {
  const Pose driver = {0, 0, 0, 0, 0, 0, 7, 7};
  mapper_.map(Pose(8), rest_, PoseMode::absolute, 1, {.seconds = 0, .face = 1});
  for (now_ = 0.04; now_ < 20; now_ += 0.04)
    mapper_.map(driver, rest_, PoseMode::absolute, 1, {.seconds = now_, .face = 1});
  EXPECT_NEAR(mapped(driver)[6], 10, 0.3);
}

}  // namespace
}  // namespace reenact
