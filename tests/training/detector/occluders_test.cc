// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/occluders.h"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

namespace reenact::training {
namespace {

const FaceBox face_in_the_middle{60, 50, 140, 150, 1};

cv::Mat plain_picture() {
  return cv::Mat(200, 200, CV_8UC3, cv::Scalar(120, 40, 130));
}

/// Share of the face box whose pixels are not what they were.
double changed_share(const cv::Mat& rgb) {
  const cv::Rect box(60, 50, 80, 100);
  cv::Mat difference, any;
  cv::absdiff(rgb(box), plain_picture()(box), difference);
  cv::inRange(difference, cv::Scalar::all(0), cv::Scalar::all(0), any);
  return 1 - cv::countNonZero(any) / static_cast<double>(box.area());
}

TEST(Occluders, HideAPartOfTheFaceAndNoMoreThanAllowed) {
  OcclusionOptions options;
  options.largest_cover = 0.4;
  int drawn = 0;
  for (int seed = 0; seed < 100; ++seed) {
    Random random(seed);
    auto rgb = plain_picture();
    const double cover = occlude(rgb, face_in_the_middle, {}, options, random);
    EXPECT_LE(cover, 0.4);
    // The soft rim is counted here and not there.
    EXPECT_NEAR(changed_share(rgb), cover, 0.1);
    drawn += cover > 0;
  }
  EXPECT_GT(drawn, 70);
}

TEST(Occluders, FarFromTheFaceNothingIsDrawn) {
  for (int seed = 0; seed < 50; ++seed) {
    Random random(seed);
    auto rgb = plain_picture();
    occlude(rgb, face_in_the_middle, {}, {}, random);
    EXPECT_EQ(cv::norm(rgb.rowRange(0, 9), plain_picture().rowRange(0, 9), cv::NORM_INF), 0);
    EXPECT_EQ(cv::norm(rgb.colRange(0, 19), plain_picture().colRange(0, 19), cv::NORM_INF), 0);
  }
}

TEST(Occluders, FacesAtTheEdgeAndOutsideThePictureAreHarmless) {
  for (const FaceBox& face : {FaceBox{-40, -40, 30, 50, 1}, FaceBox{180, 170, 260, 290, 1},
                              FaceBox{0, 0, 1, 1, 1}, FaceBox{400, 400, 500, 500, 1}}) {
    for (int seed = 0; seed < 30; ++seed) {
      Random random(seed);
      auto rgb = plain_picture();
      EXPECT_LE(occlude(rgb, face, {}, {}, random), OcclusionOptions{}.largest_cover);
    }
  }
}

TEST(Occluders, TakeTheirTextureFromThePicturesGiven) {
  FacePicture checks;
  checks.rgb = cv::Mat(64, 64, CV_8UC3, cv::Scalar::all(0));
  for (int y = 0; y < 64; y += 2) checks.rgb.row(y).setTo(cv::Scalar::all(255));
  OcclusionOptions options;
  options.textured = 1;
  double plain = 0, textured = 0;
  const auto roughness = [](const cv::Mat& rgb) {
    cv::Mat edges;
    cv::Laplacian(rgb, edges, CV_32F);
    return cv::norm(edges, cv::NORM_L1);
  };
  for (int seed = 0; seed < 20; ++seed) {
    auto a = plain_picture(), b = plain_picture();
    Random first(seed), second(seed);
    occlude(a, face_in_the_middle, {}, options, first);
    occlude(b, face_in_the_middle, {&checks}, options, second);
    plain += roughness(a);
    textured += roughness(b);
  }
  EXPECT_GT(textured, 1.2 * plain);
}

}  // namespace
}  // namespace reenact::training
