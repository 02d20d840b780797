// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/face_pattern.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace reenact {
namespace {

constexpr int pattern_side = 40;           // about; longer side of the pattern in its own pixels
constexpr int smallest_side = 8;           // of a pattern that still says anything
constexpr double least_deviation = 3;      // grey levels
constexpr double search_share = 0.35;      // of the longer side of the face, in each direction
constexpr double least_correlation = 0.5;  // below it the face is lost
constexpr double scale_step = 1.05;
constexpr double scale_advantage =
    0.004;  // of correlation that another scale must bring, so that noise does not zoom

/// Where between its neighbours the maximum of a parabola through three values lies, -0.5..0.5.
double peak_offset(float before, float at, float after) {
  const double curvature = 2.0 * at - before - after;
  return curvature > 1e-9 ? std::clamp((after - before) / (2 * curvature), -0.5, 0.5) : 0;
}

}  // namespace

cv::Mat FacePattern::reduced(const cv::Mat& rgb, const cv::Rect& area) {
  cv::cvtColor(rgb(area), grey_, cv::COLOR_RGB2GRAY);
  cv::resize(grey_, small_, area.size() / reduction_, 0, 0, cv::INTER_AREA);
  return small_;
}

void FacePattern::learn(const cv::Mat& rgb, const FaceBox& box) {
  forget();
  const int x = std::max(0, cvRound(box.left)), y = std::max(0, cvRound(box.top));
  const int right = std::min(rgb.cols, cvRound(box.right)), bottom = std::min(rgb.rows, cvRound(box.bottom));
  reduction_ = std::max(1, static_cast<int>(std::max(right - x, bottom - y) / pattern_side));
  const cv::Size size((right - x) / reduction_, (bottom - y) / reduction_);
  if (size.width < smallest_side || size.height < smallest_side) return;

  const cv::Rect area(cv::Point(x, y), size * reduction_);
  const cv::Mat look = reduced(rgb, area);
  cv::Scalar mean, deviation;
  cv::meanStdDev(look, mean, deviation);
  if (deviation[0] < least_deviation) return;
  look.copyTo(pattern_);
  scale_ = 1;
  box_size_ = {box.width(), box.height()};
  const cv::Point2f box_center((box.left + box.right) / 2, (box.top + box.bottom) / 2);
  offset_ = cv::Point2f(area.x + area.width * 0.5f, area.y + area.height * 0.5f) - box_center;
}

std::optional<FaceBox> FacePattern::find(const cv::Mat& rgb, const FaceBox& last) {
  if (pattern_.empty()) return std::nullopt;
  const cv::Size full = pattern_.size() * reduction_;
  const double margin = search_share * scale_ * std::max(full.width, full.height);
  const double half_x = full.width * scale_ * scale_step / 2 + margin;
  const double half_y = full.height * scale_ * scale_step / 2 + margin;
  const double center_x = (last.left + last.right) / 2 + offset_.x * scale_;
  const double center_y = (last.top + last.bottom) / 2 + offset_.y * scale_;
  const int x = std::clamp(static_cast<int>(center_x - half_x), 0, rgb.cols);
  const int y = std::clamp(static_cast<int>(center_y - half_y), 0, rgb.rows);
  const int width = std::clamp(static_cast<int>(center_x + half_x) - x, 0, rgb.cols - x) / reduction_;
  const int height = std::clamp(static_cast<int>(center_y + half_y) - y, 0, rgb.rows - y) / reduction_;
  if (width < smallest_side || height < smallest_side) return std::nullopt;
  const cv::Mat search = reduced(rgb, {x, y, width * reduction_, height * reduction_});

  double best = -1, best_scale = scale_;
  cv::Point2d best_center;
  for (const double scale : {scale_, scale_ / scale_step, scale_ * scale_step}) {
    const cv::Size size(cvRound(pattern_.cols * scale), cvRound(pattern_.rows * scale));
    if (size.width < smallest_side || size.height < smallest_side || size.width > width ||
        size.height > height)
      continue;
    cv::resize(pattern_, scaled_pattern_, size, 0, 0, scale < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
    cv::matchTemplate(search, scaled_pattern_, response_, cv::TM_CCOEFF_NORMED);
    double correlation = 0;
    cv::Point peak;
    cv::minMaxLoc(response_, nullptr, &correlation, nullptr, &peak);
    if (!(correlation > best + (scale == scale_ ? 0 : scale_advantage))) continue;
    best = correlation;
    best_scale = scale;
    best_center = {peak.x + size.width / 2.0, peak.y + size.height / 2.0};
    if (peak.x > 0 && peak.x + 1 < response_.cols) {
      const float* row = response_.ptr<float>(peak.y) + peak.x;
      best_center.x += peak_offset(row[-1], row[0], row[1]);
    }
    if (peak.y > 0 && peak.y + 1 < response_.rows) {
      best_center.y += peak_offset(response_.at<float>(peak.y - 1, peak.x), response_.at<float>(peak),
                                   response_.at<float>(peak.y + 1, peak.x));
    }
  }
  if (best < least_correlation) return std::nullopt;
  scale_ = best_scale;

  const double found_x = x + best_center.x * reduction_ - offset_.x * scale_;
  const double found_y = y + best_center.y * reduction_ - offset_.y * scale_;
  FaceBox box = last;
  box.left = static_cast<float>(found_x - box_size_.width * scale_ / 2);
  box.right = static_cast<float>(found_x + box_size_.width * scale_ / 2);
  box.top = static_cast<float>(found_y - box_size_.height * scale_ / 2);
  box.bottom = static_cast<float>(found_y + box_size_.height * scale_ / 2);
  return box;
}

}  // namespace reenact
