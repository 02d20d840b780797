// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <opencv2/core.hpp>
#include <vector>

namespace reenact::training {

/// Eyes, nose tip and corners of the mouth, those on the left of the picture first.
using FivePoints = std::array<cv::Point2f, 5>;

/// Where the five points of an aligned face lie in a picture of 112 pixels: the template that ArcFace was published with.
const FivePoints& aligned_face_template();

/// The five points of mediapipe's face mesh with irises (478 points), times `scale`. Throws Error (invalid) for another
/// number of points.
FivePoints five_points(const std::vector<cv::Point2f>& mesh, float scale = 1);

/// The same of the 68 points of the 300-W annotation: middles of the eyes, nose tip and corners of the mouth. In the unit of
/// `points`. Throws Error (invalid) for another number of points.
FivePoints five_points_of_68(const std::vector<cv::Point2f>& points);

/// The similarity, without reflection, that brings `from` nearest to `to` by least squares (Umeyama, PAMI 1991): the upper
/// two rows of its matrix. Points that all coincide are only shifted.
cv::Matx23d similarity_between(const FivePoints& from, const FivePoints& to);

/// The aligned face, RGB CV_8UC3 `size` x `size`, of a picture in whose pixels the five points are given; black outside.
cv::Mat aligned_face(const cv::Mat& rgb, const FivePoints& points, int size);

/// The aligned face, RGB CV_8UC3 `size` x `size`, of a picture whose mesh in 0..1 of its side is given; black outside. With
/// `mask` (CV_8UC1 of the picture's size, 255 = person) what is not the person becomes black too.
cv::Mat aligned_face(const cv::Mat& rgb, const std::vector<cv::Point2f>& mesh, int size = 112,
                     const cv::Mat& mask = {});

}  // namespace reenact::training
