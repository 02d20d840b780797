// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/edge_colors.h"

#include <gtest/gtest.h>

#include <cmath>

namespace reenact {
namespace {

constexpr int side = 128;
const cv::Vec3d hair{120, 60, 30}, wall{230, 235, 240};

/// A disc of one color before a wall of another, cut out by its mask but with the wall's light left in its soft edge.
cv::Mat cut_out() {
  cv::Mat rgba(side, side, CV_8UC4);
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      const double distance = std::hypot(x - 63.5, y - 63.5);
      const double alpha = std::min(1.0, std::max(0.0, (48 - distance) / 6));
      const cv::Vec3d color = alpha * hair + (1 - alpha) * wall;
      auto& pixel = rgba.at<cv::Vec4b>(y, x);
      for (int c = 0; c < 3; ++c) pixel[c] = cv::saturate_cast<uchar>(color[c]);
      pixel[3] = cv::saturate_cast<uchar>(255 * alpha);
    }
  return rgba;
}

/// Mean distance from the disc's color over the soft edge, weighted by what shows of it.
double stain(const cv::Mat& rgba) {
  double sum = 0, weights = 0;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      const auto pixel = rgba.at<cv::Vec4b>(y, x);
      if (pixel[3] == 0 || pixel[3] == 255) continue;
      for (int c = 0; c < 3; ++c) sum += pixel[3] * std::abs(pixel[c] - hair[c]);
      weights += 3 * pixel[3];
    }
  return sum / weights;
}

TEST(EdgeColors, TakeTheOldBackgroundOutOfASoftEdge) {
  cv::Mat rgba = cut_out();
  const double before = stain(rgba);
  EdgeColors().clean(rgba, 1);
  // A share alpha^2 of the stain stays, and that of the nearly solid pixels that lend their color.
  EXPECT_LT(stain(rgba), 0.6 * before);
  for (int c = 0; c < 3; ++c) {
    const auto outermost = rgba.at<cv::Vec4b>(63, 63 + 47);
    EXPECT_LT(std::abs(outermost[c] - hair[c]), 0.35 * std::abs(wall[c] - hair[c])) << "channel " << c;
  }
}

TEST(EdgeColors, ChangeNeitherTheMaskNorWhatIsSolid) {
  const cv::Mat before = cut_out();
  cv::Mat after = before.clone();
  EdgeColors().clean(after, 1);
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      const auto was = before.at<cv::Vec4b>(y, x), is = after.at<cv::Vec4b>(y, x);
      ASSERT_EQ(was[3], is[3]);
      if (was[3] == 255 || was[3] == 0) {
        ASSERT_EQ(was, is);
      }
    }
}

TEST(EdgeColors, LeaveEverythingWhereNothingSolidIsNearOrNothingIsAskedFor) {
  cv::Mat thin(64, 64, CV_8UC4, cv::Scalar(10, 20, 30, 90));  // smoke: half transparent everywhere
  cv::Mat cleaned = thin.clone();
  EdgeColors().clean(cleaned, 1);
  EXPECT_EQ(cv::norm(thin, cleaned, cv::NORM_INF), 0);
  const cv::Mat before = cut_out();
  cv::Mat after = before.clone();
  EdgeColors().clean(after, 0);
  EXPECT_EQ(cv::norm(before, after, cv::NORM_INF), 0);
  cv::Mat one(1, 1, CV_8UC4, cv::Scalar(1, 2, 3, 100));
  EdgeColors().clean(one, 1);
  EXPECT_EQ(one.at<cv::Vec4b>(0, 0), cv::Vec4b(1, 2, 3, 100));
}

}  // namespace
}  // namespace reenact
