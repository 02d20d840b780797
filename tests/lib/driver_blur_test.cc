// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/driver_blur.h"

#include <gtest/gtest.h>

#include <limits>
#include <opencv2/imgproc.hpp>

namespace reenact {
namespace {

/// A wave of that length in pixels across a picture: its contrast after the blur, of 1 before.
double contrast_left(double length, int width, double largest_face) {
  cv::Mat picture(1, width, CV_32FC1);
  for (int x = 0; x < width; ++x)
    picture.at<float>(0, x) = float(127.5 + 120 * std::cos(2 * CV_PI * x / length));
  cv::Mat bytes;
  picture.convertTo(bytes, CV_8U);
  cv::resize(bytes, bytes, {width, width / 2}, 0, 0, cv::INTER_NEAREST);
  blur_driver(bytes, largest_face);
  double least = 0, most = 0;
  cv::minMaxLoc(bytes, &least, &most);
  return (most - least) / 240;
}

TEST(DriverBlur, TakesWhatIsFinerThanAQuarterOfThePicture) {
  // A wave needs two values for each of its lengths, and four are left.
  for (const int width : {96, 320, 1920}) {
    EXPECT_LT(contrast_left(width / 12.0, width, 0), 0.25) << width;
    EXPECT_LT(contrast_left(width / 48.0, width, 0), 0.1) << width;
    EXPECT_GT(contrast_left(width, width, 0), 0.5) << "it is a blur and no plain color";
  }
}

TEST(DriverBlur, IsStrongerForAFaceThatIsLargerThanThePictureAndNeverWeaker) {
  EXPECT_LT(contrast_left(160, 320, 3 * 320), contrast_left(160, 320, 0));
  for (const double face : {1.0, 100.0, 319.0, -5.0, std::numeric_limits<double>::quiet_NaN()})
    EXPECT_EQ(contrast_left(80, 320, face), contrast_left(80, 320, 0)) << face;
}

TEST(DriverBlur, TakesPicturesOfAnyShapeDepthAndNumberOfChannels) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC4}) {
    for (const cv::Size size : {cv::Size(1, 1), cv::Size(4096, 16), cv::Size(2, 300), cv::Size(160, 120)}) {
      cv::Mat picture(size, type, cv::Scalar::all(9));
      blur_driver(picture);
      EXPECT_EQ(picture.size(), size);
      EXPECT_EQ(picture.type(), type);
      EXPECT_EQ(cv::norm(picture, cv::Mat(size, type, cv::Scalar::all(9)), cv::NORM_INF), 0);
    }
  }
  cv::Mat none;
  blur_driver(none);
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace reenact
