// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/reenactment_errors.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "reenact/error.h"

namespace reenact::training {
namespace {

constexpr std::size_t face_points = 68, right_outer_corner = 36, left_outer_corner = 45;
constexpr double least_eye_distance = 0.01;

void require_68_points(const FacePointList& points) {
  if (points.size() != face_points)
    throw Error(ErrorCode::invalid,
                "a face has " + std::to_string(points.size()) + " points, wanted 68 to compare faces by");
}

double eye_distance(const FacePointList& points) {
  return std::max(cv::norm(points[right_outer_corner] - points[left_outer_corner]), least_eye_distance);
}

cv::Point2d middle_of(const FacePointList& points) {
  cv::Point2d sum(0, 0);
  for (const auto& point : points) sum += cv::Point2d(point);
  return sum * (1.0 / static_cast<double>(points.size()));
}

double product(const std::vector<double>& first, const std::vector<float>& second) {
  double sum = 0;
  for (std::size_t i = 0; i < second.size(); ++i) sum += first[i] * second[i];
  return sum;
}

}  // namespace

double pose_error(const FacePointList& wanted, const FacePointList& found) {
  require_68_points(wanted);
  require_68_points(found);
  double sum = 0;
  for (std::size_t i = 0; i < face_points; ++i) sum += cv::norm(wanted[i] - found[i]);
  return sum / static_cast<double>(face_points) / eye_distance(wanted);
}

FacePointList fitted_points(const FacePointList& wanted, const FacePointList& found) {
  require_68_points(wanted);
  require_68_points(found);
  const auto to = middle_of(wanted), from = middle_of(found);
  double same = 0, square = 0;
  for (std::size_t i = 0; i < face_points; ++i) {
    const auto a = cv::Point2d(found[i]) - from;
    same += a.dot(cv::Point2d(wanted[i]) - to);
    square += a.dot(a);
  }
  const double scale = square > 0 ? same / square : 1;
  FacePointList fitted;
  for (const auto& point : found) fitted.push_back((cv::Point2d(point) - from) * scale + to);
  return fitted;
}

IdentityError identity_error(const std::vector<std::vector<float>>& reference,
                             const std::vector<std::vector<float>>& drawn) {
  if (reference.empty() || drawn.empty())
    throw Error(ErrorCode::invalid, "there are " + std::to_string(reference.size()) +
                                        " pictures of a person and " + std::to_string(drawn.size()) +
                                        " drawn heads, wanted some of both");
  std::vector<double> mean(reference.front().size());
  for (const auto& vector : reference)
    for (std::size_t i = 0; i < mean.size(); ++i)
      mean[i] += vector[i] / static_cast<double>(reference.size());
  double length = 0;
  for (const double value : mean) length += value * value;
  length = std::max(std::sqrt(length), 1e-12);
  IdentityError error;
  for (const auto& vector : drawn) {
    const double dot = product(mean, vector);
    error.dot += (1 - dot) / static_cast<double>(drawn.size());
    error.csim += (1 - dot / length) / static_cast<double>(drawn.size());
  }
  return error;
}

double point_tremble(const std::vector<FacePointList>& frames) {
  if (frames.size() < 3) return 0;
  double square = 0, eyes = 0;
  std::size_t count = 0;
  for (const auto& points : frames) {
    require_68_points(points);
    eyes += eye_distance(points) / static_cast<double>(frames.size());
  }
  for (std::size_t i = 2; i < frames.size(); ++i)
    for (std::size_t k = 0; k < face_points; ++k, ++count) {
      const auto bend = frames[i][k] - frames[i - 1][k] * 2 + frames[i - 2][k];
      square += bend.dot(bend);
    }
  return std::sqrt(square / static_cast<double>(count)) / eyes;
}

}  // namespace reenact::training
