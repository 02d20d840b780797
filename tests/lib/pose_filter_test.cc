// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/pose_filter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace reenact {
namespace {

constexpr double interval = 1.0 / 25;

class PoseFilterTest : public ::testing::Test {
 protected:
  std::vector<float> show(const std::vector<float>& pose) {
    const auto shown = filter_.filter(pose, {.seconds = interval * frame_++});
    return {shown.begin(), shown.end()};
  }
  PoseFilter filter_;
  int frame_ = 0;
};

double length(const std::vector<float>& a) {
  double square = 0;
  for (const float value : a) square += double(value) * value;
  return std::sqrt(square);
}

TEST_F(PoseFilterTest, ChangesNothingUnlessAsked) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 50);
  for (int i = 0; i < 50; ++i) {
    std::vector<float> pose(16);
    for (float& value : pose) value = normal(random);
    if (i % 7 == 3) pose.clear();
    EXPECT_EQ(show(pose), pose);
  }
}

TEST_F(PoseFilterTest, SmoothsANumberAsTheOneEuroFilterDoes) {
  filter_.set_options({.min_cutoff = 1.5, .beta = 0.5});
  OneEuroFilter expected(1.5, 0.5 / 30.0);  // the first pose is 30 long
  for (int i = 0; i < 40; ++i) {
    const float value = 30 + 10 * float(std::sin(i));
    const double wanted = expected.filter(i == 0 ? 30 : value, interval);
    EXPECT_NEAR(show({i == 0 ? 30 : value})[0], wanted, 1e-4);
  }
}

TEST_F(PoseFilterTest, StrengthScalesTheWayFromTheMean) {
  filter_.set_options({.strength = 0});
  std::vector<float> last = show({10, 0});
  for (int i = 0; i < 200; ++i) last = show({10.0f, i % 2 ? 3.0f : -3.0f});
  EXPECT_NEAR(last[0], 10, 1e-3);
  EXPECT_NEAR(last[1], 0, 0.3);
  filter_.set_options({.strength = 2});
  EXPECT_NEAR(show({10, 3})[1], 6, 0.6);
}

TEST_F(PoseFilterTest, DeviationStaysWithinItsLimit) {
  filter_.set_options({.most_deviation = 0.1});
  for (int i = 0; i < 100; ++i) show({10, 0});
  const auto shown = show({10, 8});
  EXPECT_NEAR(shown[1], 1, 0.05);
  EXPECT_NEAR(show({10, 0.5f})[1], 0.5, 1e-6) << "what is within stays as it is";
}

TEST_F(PoseFilterTest, SpeedStaysWithinItsLimit) {
  filter_.set_options({.most_speed = 0.5});
  show({10, 0});
  const auto shown = show({0, 10});
  EXPECT_LE(length({shown[0] - 10, shown[1]}), 0.5 * 10 * interval * 1.2);
  EXPECT_GT(shown[1], 0);
  EXPECT_NEAR(length(shown), 10, 1e-3) << "on the way along the sphere";
}

TEST_F(PoseFilterTest, HoldsAndEasesOverAGap) {
  filter_.set_options({.hold_seconds = 0.2, .ease_seconds = 0.2});
  const std::vector<float> before = {5, 0}, after = {0, 5};
  show(before);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(show({}), before);
  EXPECT_EQ(show(after), before) << "no jump where the face comes back";
  double angle = 0;
  for (int i = 0; i < 4; ++i) {
    const auto shown = show(after);
    EXPECT_GT(std::atan2(shown[1], shown[0]), angle);
    angle = std::atan2(shown[1], shown[0]);
  }
  EXPECT_EQ(show(after), after);
}

TEST_F(PoseFilterTest, LetsGoAfterTheTimeItHolds) {
  filter_.set_options({.hold_seconds = 0.1, .ease_seconds = 1});
  show({5, 0});
  EXPECT_FALSE(show({}).empty());
  EXPECT_FALSE(show({}).empty());
  EXPECT_FALSE(show({}).empty());
  EXPECT_TRUE(show({}).empty());
  EXPECT_EQ(show({0, 5}), (std::vector<float>{0, 5})) << "nothing to go over from";
}

TEST_F(PoseFilterTest, PosesOfAnotherLengthBeginAnew) {
  filter_.set_options({.min_cutoff = 0.1});
  show({1, 2, 3});
  EXPECT_EQ(show({7, 8}), (std::vector<float>{7, 8}));
}

}  // namespace
}  // namespace reenact
