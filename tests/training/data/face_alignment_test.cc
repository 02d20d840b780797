// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/face_alignment.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "reenact/error.h"

namespace reenact::training {
namespace {

/// Umeyama's published form: a singular value decomposition of the covariance.
cv::Matx23d by_decomposition(const FivePoints& from, const FivePoints& to) {
  cv::Vec2d from_mean, to_mean;
  for (int i = 0; i < 5; ++i) {
    from_mean += cv::Vec2d(from[i].x, from[i].y) / 5;
    to_mean += cv::Vec2d(to[i].x, to[i].y) / 5;
  }
  cv::Matx22d covariance = cv::Matx22d::zeros();
  double variance = 0;
  for (int i = 0; i < 5; ++i) {
    const cv::Vec2d a = cv::Vec2d(from[i].x, from[i].y) - from_mean,
                    b = cv::Vec2d(to[i].x, to[i].y) - to_mean;
    covariance += b * a.t() * 0.2;
    variance += a.dot(a) / 5;
  }
  cv::Matx21d values;
  cv::Matx22d u, vt;
  cv::SVD::compute(covariance, values, u, vt);
  const double sign = cv::determinant(u) * cv::determinant(vt) < 0 ? -1 : 1;
  const cv::Matx22d rotation = u * cv::Matx22d(1, 0, 0, sign) * vt;
  const double scale = (values(0) + sign * values(1)) / variance;
  const cv::Vec2d shift = to_mean - scale * (rotation * from_mean);
  return {scale * rotation(0, 0), scale * rotation(0, 1), shift[0],
          scale * rotation(1, 0), scale * rotation(1, 1), shift[1]};
}

TEST(SimilarityBetween, IsTheIdentityOfTheTemplateOnItself) {
  const auto found = similarity_between(aligned_face_template(), aligned_face_template());
  EXPECT_LT(cv::norm(found - cv::Matx23d(1, 0, 0, 0, 1, 0)), 1e-9);
}

TEST(SimilarityBetween, EqualsUmeyamasDecompositionForAnyPoints) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> place(-100, 100);
  for (int trial = 0; trial < 50; ++trial) {
    FivePoints from, to;
    for (auto* points : {&from, &to})
      for (auto& point : *points) point = {place(random), place(random)};
    EXPECT_LT(cv::norm(similarity_between(from, to) - by_decomposition(from, to)), 1e-6);
  }
}

TEST(SimilarityBetween, OnlyShiftsPointsThatCoincide) {
  FivePoints from;
  from.fill({3, 4});
  const auto found = similarity_between(from, aligned_face_template());
  EXPECT_DOUBLE_EQ(found(0, 0), 1);
  EXPECT_DOUBLE_EQ(found(1, 0), 0);
}

TEST(AlignedFace, BringsTheFivePointsToTheTemplateAndBlackensTheBackground) {
  // A mesh whose five points are the template turned, scaled and moved; a dot at the nose.
  std::vector<cv::Point2f> mesh(478);
  const int five[] = {468, 473, 4, 61, 291};
  constexpr float side = 200;
  for (int i = 0; i < 5; ++i) {
    const auto& p = aligned_face_template()[i];
    const float c = 0.8f * std::cos(0.3f), s = 0.8f * std::sin(0.3f);
    mesh[five[i]] = {(c * p.x - s * p.y + 70) / side, (s * p.x + c * p.y + 40) / side};
  }
  cv::Mat rgb(200, 200, CV_8UC3, cv::Scalar(0, 0, 90)), mask(200, 200, CV_8UC1, cv::Scalar(0));
  const cv::Point2f nose = mesh[4] * side;
  rgb(cv::Rect(static_cast<int>(nose.x) - 3, static_cast<int>(nose.y) - 3, 7, 7)) = cv::Scalar(255, 255, 255);
  mask(cv::Rect(static_cast<int>(nose.x) - 8, static_cast<int>(nose.y) - 8, 17, 17)) = cv::Scalar(255);
  const auto face = aligned_face(rgb, mesh, 112, mask);
  ASSERT_EQ(face.size(), cv::Size(112, 112));
  const auto at = aligned_face_template()[2];
  EXPECT_EQ(face.at<cv::Vec3b>(static_cast<int>(at.y), static_cast<int>(at.x)), cv::Vec3b(255, 255, 255));
  EXPECT_EQ(face.at<cv::Vec3b>(20, 20), cv::Vec3b(0, 0, 0));
  EXPECT_EQ(aligned_face(rgb, mesh).at<cv::Vec3b>(60, 20), cv::Vec3b(0, 0, 90));
  mesh.resize(68);
  EXPECT_THROW(aligned_face(rgb, mesh), Error);
}

}  // namespace
}  // namespace reenact::training
