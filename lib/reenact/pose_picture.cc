// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/pose_picture.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "reenact/crop.h"

namespace reenact {

cv::Rect pose_window(const std::string& pose_encoder, int side) {
  if (pose_encoder != "x2face" && pose_encoder != "fabnet") return {0, 0, side, side};
  constexpr double inner_scale = 1.4;
  const double margin = (1 - inner_scale / paper_crop_scale) / 2, inner = 1 - 2 * margin;
  double left = margin, top = margin, right = 1 - margin;
  if (pose_encoder == "fabnet") {
    // FAb-Net's own cut, in pixels of a picture of 256.
    left += 43.0 / 256 * inner;
    top += 66.0 / 256 * inner;
    right -= 43.0 / 256 * inner;
  }
  const int x = static_cast<int>(std::floor(left * side)), y = static_cast<int>(std::floor(top * side));
  const int width = static_cast<int>(std::ceil(right * side)) + 1 - x;
  return {x, y, std::min(width, side - x), std::min(width, side - y)};
}

cv::Mat pose_picture(const cv::Mat& crop, const std::string& pose_encoder, int size) {
  cv::Mat picture;
  cv::resize(crop(pose_window(pose_encoder, crop.cols)), picture, {size, size}, 0, 0, cv::INTER_CUBIC);
  return picture;
}

cv::Mat pose_picture(const cv::Mat& crop, const ReenactorConfig& config) {
  if (config.pose_encoder != "x2face" && config.pose_encoder != "fabnet") return crop;
  return pose_picture(crop, config.pose_encoder, config.pose_image_size());
}

}  // namespace reenact
