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

cv::Mat aligned_face(const cv::Mat& rgb, const std::vector<cv::Point2f>& mesh, int size,
                     const cv::Mat& mask) {
  auto wanted = aligned_face_template();
  for (auto& point : wanted) point = point * (static_cast<float>(size) / 112);
  const auto place = similarity_between(five_points(mesh, static_cast<float>(rgb.cols)), wanted);
  cv::Mat picture = rgb;
  if (!mask.empty()) {
    if (mask.size() != rgb.size() || mask.type() != CV_8UC1)
      throw Error(ErrorCode::invalid, "a face's mask is not of its picture's size and of 8 bits");
    cv::Mat share, person;
    cv::cvtColor(mask, share, cv::COLOR_GRAY2RGB);
    cv::multiply(rgb, share, person, 1.0 / 255);
    picture = person;
  }
  cv::Mat face;
  cv::warpAffine(picture, face, place, {size, size}, cv::INTER_LINEAR);
  return face;
}

}  // namespace reenact::training
