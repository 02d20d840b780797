// SPDX-License-Identifier: LGPL-2.1-or-later
// What the compared systems see of a crop.
#include <gtest/gtest.h>

#include <set>

#include "reenact/pose_picture.h"
#include "support/errors.h"
#include "training/data/augmentation.h"
#include "training/data/pose_input.h"
#include "training/data/stickman.h"

namespace reenact::training {
namespace {

/// A face of 68 points with every part of it apart from the others.
std::vector<cv::Point2f> some_face() {
  std::vector<cv::Point2f> points;
  for (int i = 0; i < 17; ++i)
    points.emplace_back(0.5f - 0.4f * std::cos(CV_PI * i / 16), 0.4f + 0.5f * std::sin(CV_PI * i / 16));
  for (int i = 0; i < 10; ++i) points.emplace_back(0.2f + 0.06f * i + (i > 4 ? 0.05f : 0), 0.2f);
  for (int i = 0; i < 4; ++i) points.emplace_back(0.5f, 0.3f + 0.05f * i);
  for (int i = 0; i < 5; ++i) points.emplace_back(0.42f + 0.04f * i, 0.52f);
  for (const float x : {0.3f, 0.7f})
    for (int i = 0; i < 6; ++i)
      points.emplace_back(x + 0.08f * std::cos(CV_PI * i / 3), 0.35f + 0.04f * std::sin(CV_PI * i / 3));
  for (int i = 0; i < 12; ++i)
    points.emplace_back(0.5f + 0.15f * std::cos(CV_PI * i / 6), 0.7f + 0.07f * std::sin(CV_PI * i / 6));
  for (int i = 0; i < 8; ++i) points.emplace_back(0.5f, 0.7f);
  return points;
}

TEST(PoseWindow, IsThatOfTheAuthorsLoader) {
  EXPECT_EQ(pose_window("mobilenet_v2", 256), cv::Rect(0, 0, 256, 256));
  EXPECT_EQ(pose_window("x2face", 256), cv::Rect(28, 28, 201, 201));
  EXPECT_EQ(pose_window("fabnet", 256), cv::Rect(61, 79, 135, 135));
  for (const int side : {32, 64, 100, 128, 512})
    for (const char* encoder : {"x2face", "fabnet"}) {
      const auto window = pose_window(encoder, side);
      EXPECT_EQ(window & cv::Rect(0, 0, side, side), window) << encoder << " " << side;
      EXPECT_NEAR(window.width, (std::string(encoder) == "x2face" ? 7.0 / 9 : 0.5166) * side, 3);
    }
}

TEST(Stickman, HasSevenColorsAndBlack) {
  const auto picture = draw_stickman(some_face(), 256);
  std::set<std::array<int, 3>> colors;
  for (int row = 0; row < picture.rows; ++row)
    for (int column = 0; column < picture.cols; ++column) {
      const auto pixel = picture.at<cv::Vec3b>(row, column);
      colors.insert({pixel[0], pixel[1], pixel[2]});
    }
  const std::set<std::array<int, 3>> wanted = {{0, 0, 0},   {255, 255, 255}, {255, 0, 0},   {0, 255, 0},
                                               {0, 0, 255}, {255, 0, 255},   {0, 255, 255}, {255, 255, 0}};
  EXPECT_EQ(colors, wanted);
  // Point 0 of the jaw lies at (25.6, 102.4); the left brow, red, at row 51.
  EXPECT_EQ(picture.at<cv::Vec3b>(102, 26), cv::Vec3b(255, 255, 255));
  EXPECT_EQ(picture.at<cv::Vec3b>(51, 60), cv::Vec3b(255, 0, 0));
  test::expect_error([] { draw_stickman(std::vector<cv::Point2f>(67), 64); }, ErrorCode::invalid,
                     {"67 points", "wanted 68"});
}

TEST(PoseInput, GivesPointsAboutTheMiddle) {
  ReenactorConfig config;
  config.pose_source = "keypoints68";
  config.pose_encoder = "none";
  config.pose_embedding_size = 136;
  const PoseInput input(config);
  const auto points = some_face();
  const auto pose = input.pose({}, points, {});
  ASSERT_EQ(pose.numel(), 136);
  EXPECT_FLOAT_EQ(pose[2 * 30].item<float>(), points[30].x - 0.5f);
  EXPECT_FLOAT_EQ(pose[2 * 30 + 1].item<float>(), points[30].y - 0.5f);
  test::expect_error([&] { input.pose({}, {}, {}); }, ErrorCode::invalid,
                     {"no facial points", "--landmarks"});
}

TEST(PoseInput, CutsFsthsPicturesAndTheirPointsAlike) {
  HeadFrame frame;
  frame.rgb = cv::Mat(100, 100, CV_8UC3, cv::Scalar::all(0));
  frame.mask = cv::Mat(100, 100, CV_8UC1, cv::Scalar(255));
  frame.rgb.at<cv::Vec3b>(20, 10) = {1, 2, 3};
  frame.landmarks = {{0.1f, 0.2f}, {0.9f, 1.0f}, {0.5f, 0.6f}};
  ReenactorConfig config;
  config.architecture = "fsth";
  const auto cut = cut_to(frame, shown_part(config));
  EXPECT_EQ(cut.rgb.size(), cv::Size(80, 80));
  EXPECT_EQ(cut.rgb.at<cv::Vec3b>(0, 0), cv::Vec3b(1, 2, 3));
  EXPECT_NEAR(cut.landmarks[0].x, 0, 1e-6);
  EXPECT_NEAR(cut.landmarks[1].y, 1, 1e-6);
  EXPECT_NEAR(cut.landmarks[2].x, 0.5, 1e-6);
}

TEST(Augmentation, LeavesTheTargetWhereAnEncoderSeesACut) {
  HeadFrame frame;
  frame.rgb = cv::Mat(64, 64, CV_8UC3, cv::Scalar(9, 8, 7));
  frame.mask = cv::Mat(64, 64, CV_8UC1, cv::Scalar(255));
  AugmentationConfig none;
  none.pixelwise = false;
  none.affine_scale = none.shift = 0;
  Random random(1);
  const auto sample =
      augment(frame, frame, none, random, [](const cv::Mat& rgb) { return pose_picture(rgb, "fabnet", 32); });
  EXPECT_EQ(sample.pose_source.size(), cv::Size(32, 32));
  EXPECT_EQ(sample.target.size(), cv::Size(64, 64));
}

}  // namespace
}  // namespace reenact::training
