// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/driver_blur.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace reenact {
namespace {

constexpr double values_across = 4;

}  // namespace

void blur_driver(cv::Mat& picture, double largest_face) {
  if (picture.empty()) return;
  double widest = std::max(picture.cols, picture.rows);
  if (std::isfinite(largest_face)) widest = std::max(widest, largest_face);
  const auto count = [pixels_each = widest / values_across](int side) {
    return std::clamp(static_cast<int>(std::lround(side / pixels_each)), 1, side);
  };
  cv::Mat values;
  cv::resize(picture, values, {count(picture.cols), count(picture.rows)}, 0, 0, cv::INTER_AREA);
  cv::resize(values, picture, picture.size(), 0, 0, cv::INTER_CUBIC);
}

}  // namespace reenact
