// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/placement.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace reenact {

cv::Rect head_rectangle(const PlacementOptions& options, cv::Size head, const cv::Rect& crop, cv::Size frame,
                        cv::Size output) {
  if (options.placement == Placement::rectangle) {
    return {options.x, options.y, options.width ? options.width : head.width,
            options.height ? options.height : head.height};
  }
  if (options.placement == Placement::crop && !crop.empty() && !frame.empty()) {
    const double scale_x = double(output.width) / frame.width, scale_y = double(output.height) / frame.height;
    const int left = int(std::lround(crop.x * scale_x)),
              right = int(std::lround((crop.x + crop.width) * scale_x));
    const int top = int(std::lround(crop.y * scale_y)),
              bottom = int(std::lround((crop.y + crop.height) * scale_y));
    return {left, top, std::max(1, right - left), std::max(1, bottom - top)};
  }
  const double scale = std::min(double(output.width) / head.width, double(output.height) / head.height);
  const cv::Size size(std::max(1, int(std::lround(head.width * scale))),
                      std::max(1, int(std::lround(head.height * scale))));
  return {(output.width - size.width) / 2, (output.height - size.height) / 2, size.width, size.height};
}

void cover(const cv::Mat& source, cv::Mat& target) {
  const double scale = std::max(double(target.cols) / source.cols, double(target.rows) / source.rows);
  const int width = std::clamp(int(std::lround(target.cols / scale)), 1, source.cols);
  const int height = std::clamp(int(std::lround(target.rows / scale)), 1, source.rows);
  const cv::Mat middle =
      source(cv::Rect((source.cols - width) / 2, (source.rows - height) / 2, width, height));
  cv::resize(middle, target, target.size(), 0, 0,
             middle.cols > target.cols ? cv::INTER_AREA : cv::INTER_LINEAR);
}

}  // namespace reenact
