// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/driver_blur.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace reenact {
namespace {

constexpr double values_across_face = 6;
constexpr int values_across_window = 3;
constexpr int values_across_unknown = 6;  // of the longer side when nobody knows where the face is

/// Averages into `size` values and spreads them out again.
cv::Mat reduced_to(const cv::Mat& picture, cv::Size size) {
  cv::Mat few, spread;
  cv::resize(picture, few, size, 0, 0, cv::INTER_AREA);
  cv::resize(few, spread, picture.size(), 0, 0, cv::INTER_CUBIC);
  return spread;
}

cv::Size values_of(cv::Size picture, double pixels_each) {
  const auto count = [pixels_each](int side) {
    return std::clamp(int(std::lround(side / pixels_each)), 1, side);
  };
  return {count(picture.width), count(picture.height)};
}

}  // namespace

void blur_driver(cv::Mat& picture, const cv::Rect& face, const cv::Rect& crop) {
  if (picture.empty()) return;
  const int longer = std::max(picture.cols, picture.rows);
  if (face.empty()) {
    reduced_to(picture, values_of(picture.size(), double(longer) / values_across_unknown)).copyTo(picture);
    return;
  }
  const cv::Rect window = (face | crop) & cv::Rect(0, 0, picture.cols, picture.rows);
  cv::Mat hidden;
  if (!window.empty()) {
    hidden = reduced_to(picture(window), {std::min(values_across_window, window.width),
                                          std::min(values_across_window, window.height)});
  }
  const double pixels_each = std::max(1.0, std::min(face.width, face.height) / values_across_face);
  reduced_to(picture, values_of(picture.size(), pixels_each)).copyTo(picture);
  if (!window.empty()) hidden.copyTo(picture(window));
}

}  // namespace reenact
