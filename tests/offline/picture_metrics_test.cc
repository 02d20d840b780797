// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offline/picture_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/core.hpp>

namespace reenact::training {
namespace {

TEST(PictureMetrics, FollowTheirFormulas) {
  const cv::Mat dark(32, 32, CV_8UC3, cv::Scalar(100, 100, 100)),
      bright(32, 32, CV_8UC3, cv::Scalar(120, 120, 120));
  EXPECT_NEAR(psnr(dark, bright), 20 * std::log10(255.0 / 20.0), 1e-6);
  EXPECT_EQ(psnr(dark, dark), 100);
  // Flat pictures differ in luminance only: (2 a b + c1) / (a^2 + b^2 + c1) with c1 = (0.01 * 255)^2.
  const double c1 = 2.55 * 2.55;
  EXPECT_NEAR(ssim(dark, bright), (2 * 100 * 120 + c1) / (100 * 100 + 120 * 120 + c1), 1e-4);
  EXPECT_NEAR(ssim(dark, dark), 1, 1e-6);
  cv::Mat noise(32, 32, CV_8UC3), other(32, 32, CV_8UC3);
  cv::randu(noise, 0, 255);
  cv::randu(other, 0, 255);
  EXPECT_LT(ssim(noise, other), 0.2);
}

}  // namespace
}  // namespace reenact::training
