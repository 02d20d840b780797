// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/picture_score.h"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "support/errors.h"

namespace reenact {
namespace {

/// Something with edges at every scale and a mean of 128.
cv::Mat patterned(int side) {
  cv::Mat picture(side, side, CV_8UC3);
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      picture.at<cv::Vec3b>(y, x) = cv::Vec3b::all((x * 32 / side + y * 32 / side) % 2 ? 178 : 78);
  return picture;
}

TEST(PictureScore, ASharpWellLitLargeFaceScoresOne) {
  const PictureScore score = score_picture(patterned(256), 200);
  EXPECT_EQ(score.sharpness, 1);
  EXPECT_EQ(score.exposure, 1);
  EXPECT_EQ(score.size, 1);
  EXPECT_EQ(score.total(), 1);
}

TEST(PictureScore, FallsWithEveryBlur) {
  double last = 1;
  for (const double sigma : {3.0, 3.5, 5.0}) {
    cv::Mat blurred;
    cv::GaussianBlur(patterned(256), blurred, {0, 0}, sigma);
    const double sharpness = score_picture(blurred, 200).sharpness;
    EXPECT_LT(sharpness, last) << sigma;
    last = sharpness;
  }
  EXPECT_LT(last, 0.2);
}

TEST(PictureScore, IsLowForDarkAndBurntOutPictures) {
  for (const double factor : {0.1, 0.3}) EXPECT_LT(score_picture(patterned(256) * factor, 200).exposure, 0.5);
  EXPECT_LT(score_picture(patterned(256) + cv::Scalar::all(120), 200).exposure, 0.5);
}

TEST(PictureScore, GrowsWithTheFaceInTheCamerasPicture) {
  EXPECT_NEAR(score_picture(patterned(256), 32).size, 0.25, 1e-9);
  EXPECT_NEAR(score_picture(patterned(256), 64).total(), 0.5, 1e-9) << "the weakest counts";
  EXPECT_GT(score_picture(patterned(256), 0).size, 0.9) << "of the crop where nobody knows";
  EXPECT_LT(score_picture(patterned(64), 0).size, 0.5);
}

TEST(PictureScore, RefusesWhatIsNoPicture) {
  test::expect_error([] { score_picture({}, 1); }, ErrorCode::invalid, {"RGB"});
  test::expect_error([] { score_picture(cv::Mat(8, 8, CV_8UC4), 1); }, ErrorCode::invalid, {"RGB"});
}

}  // namespace
}  // namespace reenact
