// SPDX-License-Identifier: LGPL-2.1-or-later
// A head of known shape, turned and projected by the test: what is found of its turns and of its mouth is known.
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/core.hpp>
#include <random>

#include "support/errors.h"
#include "support/temporary_folder.h"
#include "training/data/head_rotation.h"
#include "training/data/landmark_expression.h"

namespace reenact::training {
namespace {

constexpr int points = 68, first_of_mouth = 48;

/// About a skull: an ellipsoid with the nose before it. To the right, down, away.
std::vector<cv::Vec3d> some_head() {
  std::vector<cv::Vec3d> head;
  for (int i = 0; i < points; ++i) {
    const double across = std::sin(1.7 * i), down = std::cos(2.3 * i);
    head.emplace_back(across, 1.2 * down, 0.5 * across * across + 0.3 * down * down - 0.4);
  }
  for (const int rim : {0, 1, 2, 3, 13, 14, 15, 16}) head[static_cast<std::size_t>(rim)][2] = 0.8;
  for (int nose = 27; nose < 36; ++nose) head[static_cast<std::size_t>(nose)][2] = -0.2 * (nose - 25) / 4;
  return head;
}

cv::Matx33d turn_of(double yaw, double pitch, double roll) {
  const double a = std::cos(yaw), b = std::sin(yaw), c = std::cos(pitch), d = std::sin(pitch),
               e = std::cos(roll), f = std::sin(roll);
  return cv::Matx33d(e, -f, 0, f, e, 0, 0, 0, 1) * cv::Matx33d(1, 0, 0, 0, c, -d, 0, d, c) *
         cv::Matx33d(a, 0, b, 0, 1, 0, -b, 0, a);
}

struct Frames {
  std::vector<LandmarkExpression::Face> faces;
  std::vector<std::int64_t> people;
  std::vector<cv::Matx33d> turns;
  std::vector<double> opening;
};

/// Two people's frames as a camera far away sees them: somewhere, at some size, the mouth open by some amount.
Frames some_frames() {
  std::mt19937 random(4);
  std::uniform_real_distribution<> share(-1, 1);
  const auto head = some_head();
  Frames frames;
  for (int i = 0; i < 200; ++i) {
    const auto turn = turn_of(0.5 * share(random), 0.25 * share(random), 0.2 * share(random));
    const double opening = 0.15 + 0.1 * share(random), scale = 0.2 + 0.05 * share(random),
                 x = 0.5 + 0.1 * share(random), y = 0.5 + 0.1 * share(random);
    auto& face = frames.faces.emplace_back();
    for (int k = 0; k < points; ++k) {
      auto point = head[static_cast<std::size_t>(k)];
      if (k >= first_of_mouth) point[1] += opening * (k % 2 ? 1 : -0.5);
      const auto seen = turn * point;
      face.emplace_back(static_cast<float>(x + scale * seen[0]), static_cast<float>(y + scale * seen[1]));
    }
    frames.people.push_back(i % 2);
    frames.turns.push_back(turn);
    frames.opening.push_back(opening);
  }
  return frames;
}

cv::Matx33d matrix_of(const std::vector<float>& q) {
  const double w = q[0], x = q[1], y = q[2], z = q[3];
  return {1 - 2 * (y * y + z * z), 2 * (x * y - z * w),     2 * (x * z + y * w),
          2 * (x * y + z * w),     1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
          2 * (x * z - y * w),     2 * (y * z + x * w),     1 - 2 * (x * x + y * y)};
}

double degrees_between(const cv::Matx33d& a, const cv::Matx33d& b) {
  return std::acos(std::clamp((cv::trace(a * b.t()) - 1) / 2, -1.0, 1.0)) * 180 / CV_PI;
}

TEST(LandmarkExpression, TellsTurnsOfTheHeadAndTheMouthApart) {
  const auto frames = some_frames();
  const auto expression = LandmarkExpression::fit(frames.faces, frames.people);
  const auto rows = expression.describe(frames.faces);
  ASSERT_EQ(rows.size(), frames.faces.size());
  double worst = 0;
  for (std::size_t i = 1; i < rows.size(); ++i)
    // Which way the head faces without any turn is the fit's to choose.
    worst = std::max(worst, degrees_between(matrix_of(rows[i]) * matrix_of(rows[0]).t(),
                                            frames.turns[i] * frames.turns[0].t()));
  EXPECT_LT(worst, 1);
  // The first direction of movement is the mouth's.
  const auto correlation = [&](std::size_t place) {
    double sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0;
    const auto count = static_cast<double>(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double a = rows[i][place], b = frames.opening[i];
      sum_a += a / count, sum_b += b / count, aa += a * a / count, bb += b * b / count, ab += a * b / count;
    }
    return (ab - sum_a * sum_b) / std::sqrt((aa - sum_a * sum_a) * (bb - sum_b * sum_b));
  };
  EXPECT_GT(std::abs(correlation(LandmarkExpression::rotation_length)), 0.98);
  const auto depth = expression.head().select(1, 2);
  EXPECT_LT(depth[30].item<double>(), depth[0].item<double>()) << "the nose is behind the ears";
}

TEST(LandmarkExpression, PosesHaveMeanZeroAndDeviationOne) {
  const auto frames = some_frames();
  const auto expression = LandmarkExpression::fit(frames.faces, frames.people);
  std::vector<double> sums(LandmarkExpression::length), squares(LandmarkExpression::length);
  for (const auto& face : frames.faces) {
    const auto pose = expression.pose(face);
    ASSERT_EQ(pose.size(), static_cast<std::size_t>(LandmarkExpression::length));
    for (std::size_t i = 0; i < pose.size(); ++i) {
      sums[i] += pose[i];
      squares[i] += pose[i] * pose[i];
    }
  }
  const auto count = static_cast<double>(frames.faces.size());
  for (const std::size_t i : {1, 2, 3, 4}) {
    EXPECT_NEAR(sums[i] / count, 0, 1e-3) << i;
    EXPECT_NEAR(squares[i] / count, 1, 1e-3) << i;
  }
}

TEST(LandmarkExpression, FilesDescribeAsWhatWasWritten) {
  const auto frames = some_frames();
  const auto expression = LandmarkExpression::fit(frames.faces, frames.people);
  const test::TemporaryFolder folder;
  ModelInfo info;
  info.licence = "CC0-1.0";
  expression.write(folder / "expression.safetensors", info);
  const LandmarkExpression read(folder / "expression.safetensors");
  const auto wanted = expression.describe(frames.faces)[7], found = read.describe(frames.faces)[7];
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(found[i], wanted[i], 1e-5);
  EXPECT_EQ(read.scale().mean, expression.scale().mean);
  EXPECT_EQ(ModelFile(folder / "expression.safetensors").info().licence, "CC0-1.0");
}

TEST(LandmarkExpression, OfFramesThatAreAllAlikeIsFiniteAndTellsNothing) {
  const std::vector<LandmarkExpression::Face> faces(5, some_frames().faces[3]);
  const auto expression = LandmarkExpression::fit(faces, {0, 0, 1, 1, 1});
  for (const float number : expression.pose(faces[0])) EXPECT_NEAR(number, 0, 1e-3);
  for (const float number : expression.pose(some_frames().faces[9])) EXPECT_TRUE(std::isfinite(number));
}

TEST(LandmarkExpression, SaysInOneSentenceWhatItCannotBeMadeOf) {
  test::expect_error([] { LandmarkExpression::fit({}, {}); }, ErrorCode::invalid, {"0 faces", "wanted one"});
  test::expect_error([] { LandmarkExpression::fit({LandmarkExpression::Face(5)}, {0}); }, ErrorCode::invalid,
                     {"5 points"});
  const test::TemporaryFolder folder;
  DescriptorFile other;
  other.vectors["a/0"] = {1, 2};
  write_descriptor_file(folder / "descriptors.safetensors", other, {});
  test::expect_error([&] { LandmarkExpression(folder / "descriptors.safetensors"); }, ErrorCode::wrong_kind,
                     {"descriptors", "expression"});
}

TEST(HeadRotation, QuaternionsAreThoseOfTheirRotations) {
  EXPECT_EQ(quaternion_of(cv::Vec3d(0, 0, 0)), (std::array<float, 4>{1, 0, 0, 0}));
  const auto quarter = quaternion_of(cv::Vec3d(0, CV_PI / 2, 0));
  EXPECT_NEAR(quarter[0], std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(quarter[2], std::sqrt(0.5), 1e-6);
  // More than half a turn is less than half a turn the other way.
  EXPECT_NEAR(quaternion_of(cv::Vec3d(1.5 * CV_PI, 0, 0))[1], -std::sqrt(0.5), 1e-6);
  for (const auto& turn : {turn_of(0.4, -0.2, 0.1), turn_of(3, 0.5, 0), turn_of(0, 3, 0), turn_of(0, 0, 3)}) {
    const auto q = quaternion_of(turn);
    EXPECT_LT(degrees_between(matrix_of({q.begin(), q.end()}), turn), 0.05) << "more than floats round by";
    EXPECT_GE(q[0], 0);
  }
}

}  // namespace
}  // namespace reenact::training
