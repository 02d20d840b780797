// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/foreground_colors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace reenact::training {
namespace {

constexpr int side = 128;
const cv::Vec3d hair{120, 60, 30}, wall{230, 235, 240};

TEST(ForegroundColors, AreThePersonsWhereHairAndWallMix) {
  cv::Mat rgb(side, side, CV_8UC3), mask(side, side, CV_8UC1);
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      const double alpha = std::clamp((48 - std::hypot(x - 63.5, y - 63.5)) / 8, 0.0, 1.0);
      mask.at<uchar>(y, x) = cv::saturate_cast<uchar>(255 * alpha);
      for (int c = 0; c < 3; ++c)
        rgb.at<cv::Vec3b>(y, x)[c] = cv::saturate_cast<uchar>(alpha * hair[c] + (1 - alpha) * wall[c]);
    }
  const cv::Mat found = foreground_colors(rgb, mask);
  double before = 0, after = 0;  // what shows of the wall
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      const int alpha = mask.at<uchar>(y, x);
      const auto was = rgb.at<cv::Vec3b>(y, x), is = found.at<cv::Vec3b>(y, x);
      if (alpha == 255) {
        ASSERT_EQ(is, was);
      }
      for (int c = 0; c < 3; ++c) {
        before += alpha * std::abs(was[c] - hair[c]);
        after += alpha * std::abs(is[c] - hair[c]);
      }
    }
  EXPECT_LT(after, 0.3 * before);
}

TEST(ForegroundColors, ArePicturesOfAnySize) {
  const cv::Mat rgb(3, 5, CV_8UC3, cv::Scalar(10, 20, 30)), mask(3, 5, CV_8UC1, cv::Scalar(128));
  const cv::Mat found = foreground_colors(rgb, mask);
  EXPECT_EQ(found.size(), rgb.size());
  EXPECT_LE(cv::norm(found, rgb, cv::NORM_INF), 1) << "foreground and background of one color";
}

}  // namespace
}  // namespace reenact::training
