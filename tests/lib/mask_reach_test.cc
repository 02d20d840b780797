// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/mask_reach.h"

#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

namespace reenact {
namespace {

constexpr int side = 200;

/// A disc of alpha 255 and radius 40 in a haze of another alpha.
cv::Mat hazy_disc(int haze) {
  cv::Mat rgba(side, side, CV_8UC4, cv::Scalar(90, 60, 30, haze));
  cv::circle(rgba, {100, 100}, 40, cv::Scalar(90, 60, 30, 255), cv::FILLED);
  return rgba;
}

int alpha_at(const cv::Mat& rgba, double distance) {
  return rgba.at<cv::Vec4b>(100, int(std::lround(100 + 40 + distance)))[3];
}

TEST(MaskReach, EndsHazeAtThatDistanceAndKeepsWhatIsNear) {
  cv::Mat rgba = hazy_disc(60);
  MaskReach().limit(rgba, 0.1);
  EXPECT_EQ(alpha_at(rgba, -10), 255);
  EXPECT_EQ(alpha_at(rgba, 5), 60) << "within four tenths";
  EXPECT_EQ(alpha_at(rgba, 24), 0);
  EXPECT_EQ(alpha_at(rgba, 50), 0);
  for (int i = 6; i < 24; ++i) EXPECT_LE(alpha_at(rgba, i + 1), alpha_at(rgba, i)) << "falls all the way";
}

TEST(MaskReach, KeepsEveryColor) {
  cv::Mat rgba = hazy_disc(60), rgb;
  MaskReach().limit(rgba, 0.05);
  cv::cvtColor(rgba, rgb, cv::COLOR_RGBA2RGB);
  EXPECT_EQ(cv::norm(rgb, cv::Mat(rgb.size(), CV_8UC3, cv::Scalar(90, 60, 30)), cv::NORM_INF), 0);
}

TEST(MaskReach, DoesNothingAtZeroAndWhereNothingIsSolid) {
  cv::Mat hazy = hazy_disc(60);
  const cv::Mat before = hazy.clone();
  MaskReach().limit(hazy, 0);
  EXPECT_EQ(cv::norm(hazy, before, cv::NORM_INF), 0);
  cv::Mat soft(side, side, CV_8UC4, cv::Scalar(1, 2, 3, 100));
  const cv::Mat soft_before = soft.clone();
  MaskReach().limit(soft, 0.05);
  EXPECT_EQ(cv::norm(soft, soft_before, cv::NORM_INF), 0);
}

TEST(MaskReach, AFleckKeepsNoHazeOfItsOwn) {
  cv::Mat rgba = hazy_disc(60);
  cv::circle(rgba, {20, 20}, 3, cv::Scalar(90, 60, 30, 255), cv::FILLED);
  MaskReach().limit(rgba, 0.05);
  EXPECT_EQ(rgba.at<cv::Vec4b>(20, 20)[3], 0) << "nor itself";
  cv::Mat shoulder = hazy_disc(0);
  cv::circle(shoulder, {20, 20}, 15, cv::Scalar(90, 60, 30, 255), cv::FILLED);
  MaskReach().limit(shoulder, 0.05);
  EXPECT_EQ(shoulder.at<cv::Vec4b>(20, 20)[3], 255) << "something large belongs to the picture";
}

TEST(MaskReach, ReachesAsFarWhateverTheSizeOfTheHead) {
  for (const int scale : {1, 2, 4}) {
    cv::Mat rgba;
    cv::resize(hazy_disc(60), rgba, {}, scale, scale, cv::INTER_NEAREST);
    MaskReach().limit(rgba, 0.1);
    const auto at = [&](int distance) {
      return int(rgba.at<cv::Vec4b>(100 * scale, (140 + distance) * scale)[3]);
    };
    EXPECT_EQ(at(5), 60) << scale;
    EXPECT_NEAR(at(14), 30, 12) << "half way, to a pixel and a half, " << scale;
    EXPECT_EQ(at(24), 0) << scale;
  }
}

}  // namespace
}  // namespace reenact
