// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/placement.h"

#include <gtest/gtest.h>

namespace reenact {
namespace {

const cv::Size head{32, 32};

TEST(Placement, TheCropIsScaledAsTheOutputIs) {
  EXPECT_EQ(head_rectangle({}, head, {10, 20, 50, 50}, {100, 100}, {100, 100}), cv::Rect(10, 20, 50, 50));
  EXPECT_EQ(head_rectangle({}, head, {10, 20, 50, 50}, {100, 100}, {200, 50}), cv::Rect(20, 10, 100, 25));
  EXPECT_EQ(head_rectangle({}, head, {-10, -20, 50, 50}, {100, 100}, {100, 100}), cv::Rect(-10, -20, 50, 50))
      << "it may reach outside";
  EXPECT_EQ(head_rectangle({}, head, {50, 50, 1, 1}, {1000, 1000}, {10, 10}).size(), cv::Size(1, 1));
}

TEST(Placement, FitsWhereNobodyKnowsTheCrop) {
  const cv::Rect middle(50, 0, 100, 100);
  EXPECT_EQ(head_rectangle({}, head, {}, {100, 100}, {200, 100}), middle);
  EXPECT_EQ(head_rectangle({}, head, {10, 20, 50, 50}, {}, {200, 100}), middle);
  PlacementOptions fit;
  fit.placement = Placement::fit;
  EXPECT_EQ(head_rectangle(fit, head, {10, 20, 50, 50}, {100, 100}, {200, 100}), middle);
  EXPECT_EQ(head_rectangle(fit, {64, 32}, {}, {}, {100, 100}), cv::Rect(0, 25, 100, 50));
}

TEST(Placement, ARectangleHasTheHeadsOwnSizeUnlessItSaysOne) {
  PlacementOptions rectangle{Placement::rectangle, 8, -4, 0, 0};
  EXPECT_EQ(head_rectangle(rectangle, head, {1, 1, 9, 9}, {100, 100}, {100, 100}), cv::Rect(8, -4, 32, 32));
  rectangle.width = 64;
  EXPECT_EQ(head_rectangle(rectangle, head, {}, {}, {100, 100}), cv::Rect(8, -4, 64, 32));
}

TEST(Cover, CutsOffTheSidesOfAWidePicture) {
  cv::Mat wide(20, 100, CV_8UC3, cv::Scalar(200, 0, 0));
  wide(cv::Rect(40, 0, 20, 20)).setTo(cv::Scalar(0, 200, 0));
  cv::Mat target(40, 40, CV_8UC3);
  cover(wide, target);
  const cv::Mat middle(40, 40, CV_8UC3, cv::Scalar(0, 200, 0));
  EXPECT_EQ(cv::norm(target, middle, cv::NORM_INF), 0);
}

TEST(Cover, FillsTargetsOfAnyShape) {
  const cv::Mat source(3, 5, CV_8UC3, cv::Scalar(1, 2, 3));
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(500, 1), cv::Size(1, 500), cv::Size(64, 48)}) {
    cv::Mat target(size, CV_8UC3, cv::Scalar::all(255));
    cover(source, target);
    EXPECT_EQ(target.size(), size);
    EXPECT_EQ(cv::norm(target, cv::Mat(size, CV_8UC3, cv::Scalar(1, 2, 3)), cv::NORM_INF), 0);
  }
}

}  // namespace
}  // namespace reenact
