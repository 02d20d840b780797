// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/face_turn.h"

#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

namespace reenact::training {
namespace {

/// The five points that matter of a head turned by `yaw` and tilted by `tilt` degrees: cheeks 1 from its axis, nose tip
/// 1.29 before them.
std::vector<cv::Point2f> landmarks_of(double yaw, double tilt) {
  std::vector<cv::Point2f> landmarks(478, cv::Point2f(0, 0));
  const double turn = yaw * CV_PI / 180, lean = tilt * CV_PI / 180;
  const auto put = [&](std::size_t point, double x, double y, double z) {
    const double seen = x * std::cos(turn) + z * std::sin(turn);
    landmarks[point] =
        cv::Point2f(static_cast<float>(100 + 40 * (seen * std::cos(lean) - y * std::sin(lean))),
                    static_cast<float>(100 + 40 * (seen * std::sin(lean) + y * std::cos(lean))));
  };
  put(1, 0, 0.3, 1.29);
  put(234, -1, 0, 0);
  put(454, 1, 0, 0);
  put(33, -0.6, -0.3, 0.6);
  put(263, 0.6, -0.3, 0.6);
  return landmarks;
}

TEST(YawOf, IsTheAngleOfATurnedAndTiltedHead) {
  for (const double yaw : {-70., -50., -20., 0., 10., 50., 75.})
    for (const double tilt : {-30., 0., 20.}) {
      const auto found = yaw_of(landmarks_of(yaw, tilt));
      ASSERT_TRUE(found);
      EXPECT_NEAR(*found, yaw, 0.1);
    }
}

TEST(YawOf, IsEmptyWithoutAMesh) {
  EXPECT_FALSE(yaw_of({}));
  EXPECT_FALSE(yaw_of(std::vector<cv::Point2f>(478, cv::Point2f(3, 4))));
  EXPECT_FALSE(yaw_of(std::vector<cv::Point2f>(478, cv::Point2f(NAN, NAN))));
}

/// A grey picture whose face is a white oval with a black nose, its mask the oval.
struct Head {
  cv::Mat rgb{200, 200, CV_8UC3, cv::Scalar::all(90)}, mask{200, 200, CV_8UC1, cv::Scalar(0)};
  FaceBox face{60, 50, 140, 150, 1};
  cv::Point2f nose{100, 105};
  Head() {
    cv::ellipse(rgb, {100, 100}, {40, 50}, 0, 0, 360, cv::Scalar::all(255), cv::FILLED);
    cv::ellipse(mask, {100, 100}, {40, 50}, 0, 0, 360, cv::Scalar(255), cv::FILLED);
    cv::circle(rgb, nose, 5, cv::Scalar::all(0), cv::FILLED);
  }
};

double middle_of_black(const cv::Mat& rgb) {
  cv::Mat black;
  cv::inRange(rgb, cv::Scalar::all(0), cv::Scalar::all(40), black);
  const auto box = cv::boundingRect(black);
  return box.x + box.width / 2.0;
}

TEST(TurnedHead, StaysAsItIsAtNoTurn) {
  const Head head;
  const auto same = turned(head.rgb, head.mask, head.face, head.nose, 0);
  EXPECT_LE(cv::norm(same.rgb, head.rgb, cv::NORM_INF), 1);
  EXPECT_LE(cv::norm(same.mask, head.mask, cv::NORM_INF), 1);
  EXPECT_NEAR(same.face.left, head.face.left, 1);
  EXPECT_NEAR(same.face.right, head.face.right, 1);
}

TEST(TurnedHead, TheNoseGoesWhereTheHeadLooksAndTheBoxFollowsTheMask) {
  const Head head;
  double last = 100;
  for (const double degrees : {15., 30., 45.}) {
    const auto right = turned(head.rgb, head.mask, head.face, head.nose, degrees);
    const double nose = middle_of_black(right.rgb);
    EXPECT_GT(nose, last + 5);
    last = nose;
    cv::Mat solid;
    cv::threshold(right.mask, solid, 127, 255, cv::THRESH_BINARY);
    const auto area = cv::boundingRect(solid);
    EXPECT_NEAR(right.face.left, area.x, 8);
    EXPECT_NEAR(right.face.right, area.br().x, 8);
    EXPECT_EQ(right.face.top, head.face.top);
    EXPECT_EQ(right.face.bottom, head.face.bottom);
    // To the other side the same, mirrored.
    const auto left = turned(head.rgb, head.mask, head.face, head.nose, -degrees);
    EXPECT_NEAR(200 - middle_of_black(left.rgb), nose, 2);
    EXPECT_NEAR(200 - left.face.left, right.face.right, 1);
  }
}

}  // namespace
}  // namespace reenact::training
