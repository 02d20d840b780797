// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/driver_blur.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

namespace reenact {
namespace {

TEST(DriverBlur, HidesAFaceWhereverItIsReported) {
  // Whatever the box, and when there is none, nothing finer than a sixth of a face is left.
  for (const cv::Rect& box :
       {cv::Rect(), cv::Rect(0, 0, 30, 30), cv::Rect(140, 100, 60, 60), cv::Rect(-40, -40, 20, 20)}) {
    cv::Mat picture(120, 160, CV_8UC3);
    cv::randu(picture, 0, 255);
    cv::Mat before = picture.clone();
    blur_driver(picture, box, box);
    cv::Mat left;
    cv::absdiff(picture, before, left);
    EXPECT_GT(cv::mean(left)[0], 30) << box;
  }
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(4096, 16), cv::Size(2, 300)}) {
    cv::Mat picture(size, CV_8UC3, cv::Scalar::all(9));
    blur_driver(picture, cv::Rect(0, 0, 1, 1), cv::Rect(-5, -5, 10, 10));
    blur_driver(picture, cv::Rect(), cv::Rect());
    EXPECT_EQ(picture.size(), size);
  }
}

}  // namespace
}  // namespace reenact
