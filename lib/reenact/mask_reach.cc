// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/mask_reach.h"
#include "reenact/smooth_step.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace reenact {
namespace {

constexpr int solid_from = 128;
constexpr int reduction = 2;        // distances change slowly: half the resolution does
constexpr int fleck_share = 500;    // parts of the picture that are no fleck
constexpr double kept_share = 0.4;  // of the reach within which alpha stays
constexpr double least_reach = 10;  // pixels: edges of small heads are that soft

/// Takes solid parts that are too small to belong to a head out of `solid`; whether one is left.
bool without_flecks(cv::Mat& solid, cv::Mat& labels, cv::Mat& statistics, cv::Mat& centers) {
  const int count = cv::connectedComponentsWithStats(solid, labels, statistics, centers, 8, CV_16U);
  const double least = static_cast<double>(solid.total()) / fleck_share;
  std::vector<bool> kept(static_cast<std::size_t>(count), false);
  bool any = false, all = true;
  for (int i = 1; i < count; ++i) {
    const bool large = statistics.at<int>(i, cv::CC_STAT_AREA) >= least;
    kept[static_cast<std::size_t>(i)] = large;
    any |= large;
    all &= large;
  }
  if (all) return any;
  for (int y = 0; y < solid.rows; ++y) {
    auto* row = solid.ptr(y);
    const auto* label = labels.ptr<std::uint16_t>(y);
    for (int x = 0; x < solid.cols; ++x)
      if (!kept[label[x]]) row[x] = 0;
  }
  return any;
}

}  // namespace

void MaskReach::limit(cv::Mat& rgba, double reach) {
  if (reach <= 0 || rgba.cols < 2 * reduction || rgba.rows < 2 * reduction) return;
  cv::extractChannel(rgba, alpha_, 3);
  const cv::Size reduced(rgba.cols / reduction, rgba.rows / reduction);
  cv::resize(alpha_, solid_, reduced, 0, 0, cv::INTER_AREA);
  cv::threshold(solid_, solid_, solid_from - 1, 255, cv::THRESH_BINARY);
  if (!without_flecks(solid_, labels_, statistics_, centers_)) return;
  cv::bitwise_not(solid_, solid_);
  cv::distanceTransform(solid_, distances_, cv::DIST_L2, 5);

  const double end = std::max(reach * std::max(rgba.cols, rgba.rows), least_reach) / reduction,
               begin = kept_share * end;
  weights_.create(reduced, CV_8UC1);  // 255: alpha stays
  for (int y = 0; y < reduced.height; ++y) {
    const auto* distance = distances_.ptr<float>(y);
    auto* weight = weights_.ptr(y);
    for (int x = 0; x < reduced.width; ++x) {
      const double t = std::clamp((end - distance[x]) / (end - begin), 0.0, 1.0);
      weight[x] = static_cast<std::uint8_t>(std::lround(255 * smooth_step(t)));
    }
  }
  cv::resize(weights_, scaled_, rgba.size(), 0, 0, cv::INTER_LINEAR);
  for (int y = 0; y < rgba.rows; ++y) {
    auto* pixel = rgba.ptr(y);
    const auto* weight = scaled_.ptr(y);
    for (int x = 0; x < rgba.cols; ++x)
      if (weight[x] < 255) pixel[4 * x + 3] = static_cast<std::uint8_t>((pixel[4 * x + 3] * weight[x]) / 255);
  }
}

}  // namespace reenact
