// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/face_alignment.h"

#include <complex>
#include <opencv2/imgproc.hpp>
#include <string>

#include "reenact/error.h"

namespace reenact::training {

const FivePoints& aligned_face_template() {
  static const FivePoints points = {{{38.2946f, 51.6963f},
                                     {73.5318f, 51.5014f},
                                     {56.0252f, 71.7366f},
                                     {41.5493f, 92.3655f},
                                     {70.7299f, 92.2041f}}};
  return points;
}

FivePoints five_points(const std::vector<cv::Point2f>& mesh, float scale) {
  constexpr std::size_t mesh_points = 478, left_iris = 468, right_iris = 473, nose_tip = 4, mouth_left = 61,
                        mouth_right = 291;
  if (mesh.size() != mesh_points)
    throw Error(ErrorCode::invalid, "a face mesh has " + std::to_string(mesh.size()) + " points, wanted " +
                                        std::to_string(mesh_points) + " to align a face by");
  return {mesh[left_iris] * scale, mesh[right_iris] * scale, mesh[nose_tip] * scale, mesh[mouth_left] * scale,
          mesh[mouth_right] * scale};
}

FivePoints five_points_of_68(const std::vector<cv::Point2f>& points) {
  constexpr std::size_t annotated_points = 68, first_eye = 36, second_eye = 42, nose_tip = 30,
                        left_corner = 48, right_corner = 54;
  if (points.size() != annotated_points)
    throw Error(ErrorCode::invalid, "a face has " + std::to_string(points.size()) + " points, wanted " +
                                        std::to_string(annotated_points) + " to align it by");
  const auto middle_of_eye = [&](std::size_t first) {
    constexpr std::size_t count = 6;
    cv::Point2f sum(0, 0);
    for (std::size_t i = first; i < first + count; ++i) sum += points[i];
    return sum / static_cast<float>(count);
  };
  return {middle_of_eye(first_eye), middle_of_eye(second_eye), points[nose_tip], points[left_corner],
          points[right_corner]};
}

cv::Matx23d similarity_between(const FivePoints& from, const FivePoints& to) {
  // In the plane such a similarity is z -> a z + b over complex numbers, so least squares is a linear regression.
  using Number = std::complex<double>;
  const auto number = [](const cv::Point2f& point) { return Number(point.x, point.y); };
  Number from_mean, to_mean;
  for (std::size_t i = 0; i < from.size(); ++i) {
    from_mean += number(from[i]) / static_cast<double>(from.size());
    to_mean += number(to[i]) / static_cast<double>(to.size());
  }
  Number product;
  double square = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto centered = number(from[i]) - from_mean;
    product += std::conj(centered) * (number(to[i]) - to_mean);
    square += std::norm(centered);
  }
  const Number a = square > 0 ? product / square : Number(1);
  const Number b = to_mean - a * from_mean;
  return {a.real(), -a.imag(), b.real(), a.imag(), a.real(), b.imag()};
}

cv::Mat aligned_face(const cv::Mat& rgb, const FivePoints& points, int size) {
  auto wanted = aligned_face_template();
  for (auto& point : wanted) point = point * (static_cast<float>(size) / 112);
  cv::Mat face;
  cv::warpAffine(rgb, face, similarity_between(points, wanted), {size, size}, cv::INTER_LINEAR);
  return face;
}

cv::Mat aligned_face(const cv::Mat& rgb, const std::vector<cv::Point2f>& mesh, int size,
                     const cv::Mat& mask) {
  cv::Mat picture = rgb;
  if (!mask.empty()) {
    if (mask.size() != rgb.size() || mask.type() != CV_8UC1)
      throw Error(ErrorCode::invalid, "a face's mask is not of its picture's size and of 8 bits");
    cv::Mat share, person;
    cv::cvtColor(mask, share, cv::COLOR_GRAY2RGB);
    cv::multiply(rgb, share, person, 1.0 / 255);
    picture = person;
  }
  return aligned_face(picture, five_points(mesh, static_cast<float>(rgb.cols)), size);
}

}  // namespace reenact::training
