// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/landmark_head.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <span>

#include "reenact/config.h"
#include "reenact/model_file.h"
#include "reenact/safetensors.h"
#include "support/errors.h"
#include "support/small_landmark_head.h"
#include "support/temporary_folder.h"

namespace reenact {
namespace {

using test::SmallLandmarkHead;
using Pose = std::vector<float>;

void expect_near(const FaceMeasures& found, const FaceMeasures& wanted, double tolerance) {
  EXPECT_NEAR(found.left_lids, wanted.left_lids, tolerance);
  EXPECT_NEAR(found.right_lids, wanted.right_lids, tolerance);
  EXPECT_NEAR(found.mouth, wanted.mouth, tolerance);
  EXPECT_NEAR(found.turn, wanted.turn, tolerance);
  EXPECT_NEAR(found.nod, wanted.nod, tolerance);
  EXPECT_NEAR(found.tilt, wanted.tilt, tolerance);
  EXPECT_NEAR(found.left_brow, wanted.left_brow, tolerance);
  EXPECT_NEAR(found.right_brow, wanted.right_brow, tolerance);
  EXPECT_NEAR(found.mouth_width, wanted.mouth_width, tolerance);
}

TEST(LandmarkHead, MeasuresSharesOfTheFace) {
  const LandmarkHead head = SmallLandmarkHead().head();
  expect_near(head.measure(Pose(8)), {0.04, 0.04, 0, 0, 0, 0, 0.1, 0.1, 0.35}, 1e-6);
  // Lids 0.01 and 0.03 apart, lips 0.04; the nose 0.02 to the right of the middle and 0.03 below it.
  expect_near(head.measure(Pose{-1, 1, 4, 2, 3, 0, 5, -5}), {0.02, 0.06, 0.08, 0.1, 0.12, 0, 0.1, 0.1, 0.35},
              1e-6);
}

TEST(LandmarkHead, MeasuresAlongTheFacesOwnAxes) {
  // The whole face turned about the middle of the picture, clockwise, with its lips 0.05 apart.
  constexpr double angle = 0.3;
  SmallLandmarkHead small;
  for (const int lip : {14, 87, 317}) small.bias[2 * lip + 1] += 0.05f;
  for (int point = 0; point < LandmarkHead::point_count; ++point) {
    const double x = small.bias[2 * point] - 0.5, y = small.bias[2 * point + 1] - 0.5;
    small.bias[2 * point] = static_cast<float>(0.5 + x * std::cos(angle) - y * std::sin(angle));
    small.bias[2 * point + 1] = static_cast<float>(0.5 + x * std::sin(angle) + y * std::cos(angle));
  }
  expect_near(small.head().measure(Pose(8)), {0.04, 0.04, 0.1, 0, 0, angle, 0.1, 0.1, 0.35}, 1e-6);
}

TEST(LandmarkHead, SetsMeasuresByTheNumbersThatMoveThem) {
  const LandmarkHead head = SmallLandmarkHead().head();
  const Pose start = {-1.5f, -1, 6, 4, -2, 0, 3, -7};
  const Pose result = head.with_measures(start, {0.04, 0.04, 0.02, 0, 0.04, 0, 0.1, 0.1, 0.35});
  const Pose wanted = {0, 0, 1, 0, 1, 0, 3, -7};
  ASSERT_EQ(result.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(result[i], wanted[i], 1e-3) << i;
}

TEST(LandmarkHead, SetsMeasuresOfAFaceThatIsTiltedToo) {
  const LandmarkHead head = SmallLandmarkHead().head();
  const Pose start = {1, -0.5f, 3, 2, 1, 3, 1, 2};
  const FaceMeasures wanted{0.05, 0.03, 0.1, -0.1, 0.05, -0.1, 0.1, 0.1, 0.35};
  const Pose result = head.with_measures(start, wanted);
  expect_near(head.measure(result), wanted, 2e-3);
  EXPECT_EQ(result[6], 1);
  EXPECT_EQ(result[7], 2);
}

TEST(LandmarkHead, SetsTheMeanOfBothSidesAndLeavesTheirDifference) {
  const LandmarkHead head = SmallLandmarkHead().head();
  const Pose start = {-1.5f, -1, 6, 4, -2, 0, 3, -7};
  const FaceMeasures before = head.measure(start), wanted{0.05, 0.03, 0.02, 0, 0.04, 0, 0.1, 0.1, 0.35};
  const FaceMeasures found = head.measure(head.with_measures(start, wanted, FaceSides::together));
  EXPECT_NEAR(found.left_lids + found.right_lids, 0.08, 1e-4);
  EXPECT_NEAR(found.left_lids - found.right_lids, before.left_lids - before.right_lids, 1e-4);
  EXPECT_NEAR(found.mouth, 0.02, 1e-4);
  EXPECT_NEAR(found.nod, 0.04, 1e-4);
}

TEST(LandmarkHead, LeavesAPoseThatMeasuresAsWanted) {
  const LandmarkHead head = SmallLandmarkHead().head();
  const Pose pose = {1, -0.5f, 3, 2, 1, 3, 1, 2};
  const Pose result = head.with_measures(pose, head.measure(pose));
  for (std::size_t i = 0; i < pose.size(); ++i) EXPECT_NEAR(result[i], pose[i], 1e-5) << i;
}

TEST(LandmarkHead, ChangesNothingThroughAHeadThatIsBlind) {
  SmallLandmarkHead small;
  std::fill(small.weight.begin(), small.weight.end(), 0.f);
  const Pose pose = {1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(small.head().with_measures(pose, {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}), pose);
}

TEST(LandmarkHead, RefusesOtherSizesAndNumbersThatAreNotFinite) {
  SmallLandmarkHead small;
  const LandmarkHead head = small.head();
  test::expect_error([&] { head.measure(Pose(7)); }, ErrorCode::invalid, {"7", "8"});
  test::expect_error([&] { head.with_measures(Pose(9), {}); }, ErrorCode::invalid, {"9", "8"});
  small.bias[3] = std::numeric_limits<float>::infinity();
  test::expect_error([&] { small.head(); }, ErrorCode::invalid, {"not finite"});
  small.bias.pop_back();
  test::expect_error([&] { small.head(); }, ErrorCode::invalid, {"955", "956"});
}

class LandmarkHeadFile : public ::testing::Test {
 protected:
  void write(const std::map<std::string, TensorView>& tensors) const {
    ReenactorConfig config;
    config.pose_embedding_size = 8;
    ModelInfo info;
    info.config = to_json(config);
    write_safetensors(path_, tensors, to_metadata(info));
  }
  static TensorView view(const std::vector<float>& values, std::vector<std::int64_t> shape) {
    return {DataType::f32, std::move(shape), std::as_bytes(std::span(values))};
  }

  SmallLandmarkHead small_;
  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "reenactor.safetensors";
};

TEST_F(LandmarkHeadFile, IsLoadedFromTheReenactor) {
  write({{"landmark_head.weight", view(small_.weight, {956, 8})},
         {"landmark_head.bias", view(small_.bias, {956})}});
  const auto head = load_landmark_head(path_);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->pose_embedding_size(), 8);
  EXPECT_NEAR(head->measure(Pose{0, 0, 5, 0, 0, 0, 0, 0}).mouth, 0.1, 1e-6);
}

TEST_F(LandmarkHeadFile, IsNullWhereTheReenactorHasNone) {
  write({{"gen.const", view(small_.bias, {956})}});
  EXPECT_EQ(load_landmark_head(path_), nullptr);
}

TEST_F(LandmarkHeadFile, IsRefusedWhenItDoesNotFit) {
  write({{"landmark_head.weight", view(small_.weight, {8, 956})},
         {"landmark_head.bias", view(small_.bias, {956})}});
  test::expect_error([&] { load_landmark_head(path_); }, ErrorCode::wrong_kind,
                     {"reenactor.safetensors", "[956, 8]"});
  write({{"landmark_head.weight", view(small_.weight, {956, 8})}});
  test::expect_error([&] { load_landmark_head(path_); }, ErrorCode::wrong_kind, {"landmark_head.bias"});
  small_.weight[5] = std::numeric_limits<float>::quiet_NaN();
  write({{"landmark_head.weight", view(small_.weight, {956, 8})},
         {"landmark_head.bias", view(small_.bias, {956})}});
  test::expect_error([&] { load_landmark_head(path_); }, ErrorCode::corrupt, {"reenactor.safetensors"});
}

}  // namespace
}  // namespace reenact
