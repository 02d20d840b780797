// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/stickman.h"

#include <algorithm>
#include <array>
#include <opencv2/imgproc.hpp>
#include <string>

#include "reenact/error.h"

namespace reenact::training {
namespace {

struct Part {
  int first, last;
  bool closed;
  cv::Scalar color;
};

/// In the order in which they are drawn; later ones cover earlier ones.
const std::array<Part, 8>& parts() {
  static const std::array<Part, 8> list = {{{0, 16, false, {255, 255, 255}},
                                            {17, 21, false, {255, 0, 0}},
                                            {22, 26, false, {0, 255, 0}},
                                            {27, 30, false, {0, 0, 255}},
                                            {31, 35, false, {0, 0, 255}},
                                            {36, 41, true, {255, 0, 255}},
                                            {42, 47, true, {0, 255, 255}},
                                            {48, 59, true, {255, 255, 0}}}};
  return list;
}

}  // namespace

cv::Mat draw_stickman(const std::vector<cv::Point2f>& points, int size) {
  constexpr std::size_t wanted = 68;
  if (points.size() != wanted)
    throw Error(ErrorCode::invalid,
                "a stickman was to be drawn of " + std::to_string(points.size()) + " points, wanted 68");
  cv::Mat picture(size, size, CV_8UC3, cv::Scalar::all(0));
  const int thickness = std::max(1, cvRound(2.0 * size / 256));
  for (const auto& part : parts()) {
    std::vector<cv::Point> line;
    for (int i = part.first; i <= part.last; ++i) {
      const auto& point = points[static_cast<std::size_t>(i)];
      line.emplace_back(cvRound(point.x * size), cvRound(point.y * size));
    }
    cv::polylines(picture, line, part.closed, part.color, thickness, cv::LINE_8);
  }
  return picture;
}

}  // namespace reenact::training
