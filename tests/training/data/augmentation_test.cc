// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/augmentation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/core.hpp>

namespace reenact::training {
namespace {

TEST(PoseAugmentation, EdgesDarkenPlainsButNotTheDarkSideOfAnOutline) {
  Random random(2);
  cv::Mat plain(48, 48, CV_8UC3, cv::Scalar(100, 150, 200));
  blend_in_edges(plain, random);
  double least = 0, most = 0;
  cv::minMaxLoc(plain.reshape(1).colRange(0, 3), &least, &most);
  EXPECT_GE(least, 84) << "by at most 15 %";
  EXPECT_LE(most, 200);
  double changed = 0;
  for (int i = 0; i < 20; ++i) {
    cv::Mat step(48, 48, CV_8UC3, cv::Scalar::all(60));
    step.colRange(24, 48).setTo(cv::Scalar::all(120));
    const cv::Mat before = step.clone();
    blend_in_edges(step, random);
    changed += cv::norm(step.col(8), before.col(8), cv::NORM_L1);
    EXPECT_EQ(cv::norm(step.col(23), before.col(23), cv::NORM_INF), 0)
        << "60 (1 - 5a) + (3 * 60 + 120) a = 60";
    EXPECT_EQ(step.size(), before.size());
  }
  EXPECT_GT(changed, 0);
}

TEST(PoseAugmentation, PixelsMoveAtMostAFewPlaces) {
  Random random(3);
  cv::Mat step(64, 64, CV_8UC3, cv::Scalar::all(50));
  step.colRange(32, 64).setTo(cv::Scalar::all(200));
  const cv::Mat before = step.clone();
  displace_pixels(step, random);
  // Cubic interpolation reaches two pixels further than the displacement.
  const cv::Rect far_left(6, 6, 20, 52), far_right(38, 6, 20, 52);
  EXPECT_EQ(cv::norm(step(far_left), before(far_left), cv::NORM_INF), 0);
  EXPECT_EQ(cv::norm(step(far_right), before(far_right), cv::NORM_INF), 0);
  EXPECT_GT(cv::norm(step, before, cv::NORM_INF), 20);
}

}  // namespace
}  // namespace reenact::training
