// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/mesh_to_68.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "reenact/safetensors.h"
#include "support/errors.h"
#include "support/shared_data.h"
#include "training/data/face_alignment.h"

namespace reenact::training {
namespace {

TEST(MeshTo68, TakesPointsAndMiddlesInTheUnitOfTheMesh) {
  std::vector<cv::Point2f> mesh;
  for (int i = 0; i < 478; ++i) mesh.emplace_back(static_cast<float>(i), static_cast<float>(-2 * i));
  const auto points = mesh_to_68(mesh);
  ASSERT_EQ(points.size(), 68u);
  EXPECT_EQ(points[0], cv::Point2f(127, -254));
  EXPECT_EQ(points[3], cv::Point2f(95, -190));  // the middle of 132 and 58
  EXPECT_EQ(points[27], cv::Point2f(87, -174));
  EXPECT_EQ(points[36], mesh[33]);
  EXPECT_EQ(points[45], mesh[263]);
  EXPECT_EQ(points[67], mesh[87]);
  test::expect_error([] { mesh_to_68(std::vector<cv::Point2f>(68)); }, ErrorCode::invalid,
                     {"has 68 points", "wanted 478"});
}

TEST(MeshTo68, MirroredTwiceIsTheSameOrder) {
  const auto& order = mirrored_order_of_68();
  ASSERT_EQ(order.size(), 68u);
  for (int i = 0; i < 68; ++i)
    EXPECT_EQ(order[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])], i);
  EXPECT_EQ(std::set<int>(order.begin(), order.end()).size(), 68u);
}

/// Frontal portraits: points whose numbers mirror each other lie opposite each other in the mean face.
TEST(MeshTo68, OfPortraitsIsSymmetricAndInTheOrderOfTheAnnotation) {
  REENACT_SHARED_FILE(labels, "data/stills/labels.safetensors");
  const auto values = SafetensorsFile(labels).at("landmarks").to_floats();
  std::vector<cv::Point2f> mean(68);
  int faces = 0;
  for (std::size_t i = 0; i + 2 * 478 <= values.size(); i += 2 * 478) {
    if (!std::isfinite(values[i])) continue;
    std::vector<cv::Point2f> mesh;
    for (std::size_t k = 0; k < 478; ++k) mesh.emplace_back(values[i + 2 * k], values[i + 2 * k + 1]);
    const auto points = mesh_to_68(mesh);
    for (std::size_t k = 0; k < 68; ++k) mean[k] += points[k];
    ++faces;
  }
  ASSERT_GT(faces, 900);
  for (auto& point : mean) point /= faces;
  const float eyes = static_cast<float>(cv::norm(mean[36] - mean[45])),
              middle = (mean[36].x + mean[45].x) / 2;
  for (std::size_t k = 0; k < 68; ++k) {
    const auto& other = mean[static_cast<std::size_t>(mirrored_order_of_68()[k])];
    // On the jaw the published table itself is not the same on both sides.
    const bool jaw = k < 17;
    EXPECT_NEAR(2 * middle - mean[k].x, other.x, (jaw ? 0.13f : 0.08f) * eyes) << k;
    EXPECT_NEAR(mean[k].y, other.y, (jaw ? 0.13f : 0.08f) * eyes) << k;
  }
  const auto leftmost_of_eyes =
      std::min_element(mean.begin() + 36, mean.begin() + 48, [](auto& a, auto& b) { return a.x < b.x; });
  EXPECT_EQ(leftmost_of_eyes - mean.begin(), 36);
  EXPECT_EQ(
      std::max_element(mean.begin(), mean.end(), [](auto& a, auto& b) { return a.y < b.y; }) - mean.begin(),
      8);
}

TEST(FacePoints, FiveOf68AreTheEyesNoseAndMouth) {
  std::vector<cv::Point2f> points(68, {0, 0});
  for (int k = 36; k < 42; ++k) points[static_cast<std::size_t>(k)] = {k % 2 ? 30.f : 34.f, 50};
  for (int k = 42; k < 48; ++k) points[static_cast<std::size_t>(k)] = {70, k % 2 ? 48.f : 52.f};
  points[30] = {50, 70};
  points[48] = {40, 90};
  points[54] = {64, 91};
  const auto five = five_points_of_68(points);
  EXPECT_EQ(five[0], cv::Point2f(32, 50));
  EXPECT_EQ(five[1], cv::Point2f(70, 50));
  EXPECT_EQ(five[2], cv::Point2f(50, 70));
  EXPECT_EQ(five[3], cv::Point2f(40, 90));
  EXPECT_EQ(five[4], cv::Point2f(64, 91));
  test::expect_error([] { five_points_of_68({}); }, ErrorCode::invalid, {"0 points", "wanted 68"});
}

}  // namespace
}  // namespace reenact::training
