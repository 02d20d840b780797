// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/picture_light.h"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

namespace reenact::training {
namespace {

LightOptions no_light() {
  LightOptions options;
  options.lamps = options.grading = options.exposure = options.shade = 0;
  return options;
}

/// Black but for a grey rectangle.
cv::Mat picture_with(const cv::Rect& rectangle) {
  cv::Mat rgb(120, 160, CV_8UC3, cv::Scalar::all(0));
  cv::rectangle(rgb, rectangle, cv::Scalar::all(140), cv::FILLED);
  return rgb;
}

double mean_difference(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_L1) / static_cast<double>(a.total() * 3);
}

TEST(PictureLight, NothingChangesWithoutLight) {
  const auto before = picture_with({40, 30, 60, 50});
  auto after = before.clone();
  Random random(1);
  EXPECT_FALSE(relight(after, no_light(), random));
  EXPECT_EQ(cv::norm(before, after, cv::NORM_INF), 0);
}

TEST(PictureLight, EveryKindChangesThePictureAndMovesNothing) {
  const cv::Rect rectangle(40, 30, 60, 50);
  const auto before = picture_with(rectangle);
  for (double LightOptions::*kind : {&LightOptions::lamps, &LightOptions::grading, &LightOptions::exposure}) {
    auto options = no_light();
    options.*kind = 1;
    for (int seed = 0; seed < 20; ++seed) {
      Random random(seed);
      auto after = before.clone();
      EXPECT_TRUE(relight(after, options, random));
      EXPECT_GT(cv::norm(before, after, cv::NORM_INF), 0);
      cv::Mat lit, any;
      cv::extractChannel(after, any, 0);
      for (int channel = 1; channel < 3; ++channel) {
        cv::extractChannel(after, lit, channel);
        any = cv::max(any, lit);
      }
      EXPECT_EQ(cv::boundingRect(any), rectangle);
    }
  }
}

TEST(PictureLight, ShadeLiesOnOneSideOfTheFaceAndFadesOutAroundIt) {
  const cv::Mat before(200, 200, CV_8UC3, cv::Scalar::all(140));
  const FaceBox face{70, 60, 130, 140, 1};
  auto options = no_light();
  options.lamp_saturation = 0;
  for (int seed = 0; seed < 20; ++seed) {
    Random random(seed);
    auto after = before.clone();
    shade_face(after, face, options, random);
    const auto on_face = after(cv::Rect(70, 60, 60, 80));
    double least = 0, most = 0;
    cv::minMaxLoc(on_face.reshape(1), &least, &most);
    EXPECT_LT(least, 0.8 * 140);
    EXPECT_GE(most, 1.2 * least);
    // Farther from its middle than one and a half times its height nothing happens.
    EXPECT_EQ(mean_difference(before(cv::Rect(0, 0, 200, 15)), after(cv::Rect(0, 0, 200, 15))), 0);
    EXPECT_EQ(mean_difference(before(cv::Rect(0, 0, 15, 200)), after(cv::Rect(0, 0, 15, 200))), 0);
  }
}

TEST(PictureLight, SameRandomStateSameLight) {
  LightOptions options;
  options.lamps = options.grading = options.exposure = 1;
  const auto before = picture_with({40, 30, 60, 50});
  auto a = before.clone(), b = before.clone(), c = before.clone();
  Random first(5), second(5), third(6);
  relight(a, options, first);
  relight(b, options, second);
  relight(c, options, third);
  EXPECT_EQ(cv::norm(a, b, cv::NORM_INF), 0);
  EXPECT_GT(cv::norm(a, c, cv::NORM_INF), 0);
}

}  // namespace
}  // namespace reenact::training
