// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/compositor.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <opencv2/imgproc.hpp>

#include "reenact/error.h"
#include "reenact/smooth_step.h"

namespace reenact {
namespace {

constexpr int farthest = 1 << 20;          // pixels; keeps the arithmetic of rectangles within int
constexpr double color_match_share = 0.5;  // of the way from the head's colours to the background's
constexpr int statistics_side = 64;        // pictures are reduced to this before their colours are measured
constexpr double widest_direct_blur =
    4;  // pixels; wider ones are made on a reduced mask, where they look the same

[[noreturn]] void refuse(const std::string& sentence) {
  throw Error(ErrorCode::invalid, sentence);
}

void check_background(const cv::Mat& background) {
  if (background.type() != CV_8UC3 && background.type() != CV_8UC4) {
    refuse("a background for a head is not an 8-bit picture of 3 or 4 channels");
  }
}

void check(const cv::Mat& head, const cv::Rect& placement, const MaskOptions& options) {
  if (head.type() != CV_8UC4 || head.empty())
    refuse("a head to be laid over a background is not an 8-bit RGBA picture");
  const auto check_range = [&](const char* name, double value, double most, double least = 0) {
    if (!(value >= least && value <= most)) {
      refuse(std::string("the mask's ") + name + " is " + std::to_string(value) + ", wanted " +
             (least > 0 ? std::to_string(least) : "0") + " to " + std::to_string(most));
    }
  };
  check_range("clip", options.clip, 0.99);
  check_range("gain", options.gain, 16, 0.1);
  check_range("reach", options.reach, 1);
  check_range("erode", options.erode, 64);
  check_range("feather", options.feather, 64);
  check_range("fade", options.fade, 0.5);
  check_range("decontaminate", options.decontaminate, 1);
  check_range("smoothing", options.smoothing, 0.95);
  check_range("opacity", options.opacity, 1);
  for (const int value : {placement.x, placement.y, placement.width, placement.height}) {
    if (std::abs(static_cast<double>(value)) > farthest) {
      refuse("a head was to be placed at or scaled to " + std::to_string(value) + " pixels, wanted at most " +
             std::to_string(farthest));
    }
  }
}

/// Erosion by a disc of that radius: discs of up to 3 pixels one after the other give the large one at a
/// fraction of its cost, and a fraction of a pixel is mixed from the two whole radii around it. Outside the
/// picture nothing erodes.
void erode(cv::Mat& mask, double radius, cv::Mat& scratch) {
  const auto erode_whole = [](cv::Mat& picture, int whole) {
    constexpr int step = 3;
    for (; whole > 0; whole -= step) {
      const int side = 2 * std::min(whole, step) + 1;
      cv::erode(picture, picture, cv::getStructuringElement(cv::MORPH_ELLIPSE, {side, side}));
    }
  };
  const int whole = static_cast<int>(radius);
  const double fraction = radius - whole;
  erode_whole(mask, whole);
  if (fraction < 1e-3) return;
  mask.copyTo(scratch);
  erode_whole(scratch, 1);
  cv::addWeighted(mask, 1 - fraction, scratch, fraction, 0, mask);
}

void feather(cv::Mat& mask, double sigma, cv::Mat& scratch) {
  const int smaller_side = std::min(mask.cols, mask.rows);
  int reduction = 1;
  while (sigma / reduction > widest_direct_blur && smaller_side / reduction >= 32) reduction *= 2;
  if (reduction == 1) {
    cv::GaussianBlur(mask, mask, {0, 0}, sigma, 0, cv::BORDER_REPLICATE);
    return;
  }
  const cv::Size size = mask.size();
  const cv::Size reduced((size.width + reduction - 1) / reduction, (size.height + reduction - 1) / reduction);
  cv::resize(mask, scratch, reduced, 0, 0, cv::INTER_AREA);
  cv::GaussianBlur(scratch, scratch, {0, 0}, sigma / reduction, 0, cv::BORDER_REPLICATE);
  cv::resize(scratch, mask, size, 0, 0, cv::INTER_LINEAR);
}

/// value / 255, rounded, for 0..65025.
inline unsigned divide_by_255(unsigned value) {
  value += 128;
  return (value + (value >> 8)) >> 8;
}

void blend_row_rgb(const std::uint8_t* head, std::uint8_t* background, int width) {
  for (int x = 0; x < width; ++x, head += 4, background += 3) {
    const unsigned alpha = head[3], rest = 255 - alpha;
    background[0] = static_cast<std::uint8_t>(divide_by_255(alpha * head[0] + rest * background[0]));
    background[1] = static_cast<std::uint8_t>(divide_by_255(alpha * head[1] + rest * background[1]));
    background[2] = static_cast<std::uint8_t>(divide_by_255(alpha * head[2] + rest * background[2]));
  }
}

/// Over a background that is opaque all along the row.
void blend_row_opaque(const std::uint8_t* head, std::uint8_t* background, int width) {
  for (int x = 0; x < width; ++x, head += 4, background += 4) {
    const unsigned alpha = head[3], rest = 255 - alpha;
    background[0] = static_cast<std::uint8_t>(divide_by_255(alpha * head[0] + rest * background[0]));
    background[1] = static_cast<std::uint8_t>(divide_by_255(alpha * head[1] + rest * background[1]));
    background[2] = static_cast<std::uint8_t>(divide_by_255(alpha * head[2] + rest * background[2]));
  }
}

/// Porter and Duff's "over" for straight alpha on both sides.
void blend_row_rgba(const std::uint8_t* head, std::uint8_t* background, int width) {
  for (int x = 0; x < width; ++x, head += 4, background += 4) {
    const unsigned above = 255u * head[3], below = (255u - head[3]) * background[3];
    const unsigned both = above + below;  // 255 * the alpha that results
    if (both == 0) continue;
    for (int c = 0; c < 3; ++c) {
      background[c] = static_cast<std::uint8_t>((above * head[c] + below * background[c] + both / 2) / both);
    }
    background[3] = static_cast<std::uint8_t>(divide_by_255(both));
  }
}

bool is_opaque(const std::uint8_t* rgba, int width) {
  std::uint8_t all = 255;
  for (int x = 0; x < width; ++x) all &= rgba[4 * x + 3];
  return all == 255;
}

cv::Size statistics_size(const cv::Size& size) {
  return {std::min(size.width, statistics_side), std::min(size.height, statistics_side)};
}

}  // namespace

void Compositor::blend(const cv::Mat& head, const cv::Rect& placement, const MaskOptions& options,
                       cv::Mat& background) {
  check_background(background);
  check(head, placement, options);
  const cv::Rect visible = placement & cv::Rect({}, background.size());
  const HeadLayer layer =
      prepare(head, placement, options, background.size(), visible.empty() ? cv::Mat() : background(visible));
  blend_layer(layer, background);
}

void blend_layer(const HeadLayer& layer, cv::Mat& background) {
  check_background(background);
  for (int y = 0; y < layer.place.height; ++y) {
    const std::uint8_t* above = layer.rgba.ptr(y);
    const int width = layer.place.width;
    if (background.channels() == 3) {
      blend_row_rgb(above, background.ptr(layer.place.y + y, layer.place.x), width);
      continue;
    }
    std::uint8_t* below = background.ptr(layer.place.y + y, layer.place.x);
    if (is_opaque(below, width)) {
      blend_row_opaque(above, below, width);
    } else {
      blend_row_rgba(above, below, width);
    }
  }
}

HeadLayer Compositor::prepare(const cv::Mat& head, const cv::Rect& placement, const MaskOptions& options,
                              const cv::Size& output, const cv::Mat& behind) {
  check(head, placement, options);
  head.copyTo(work_);
  smooth_mask(options.smoothing);
  const cv::Rect visible = placement & cv::Rect({}, output);
  if (visible.empty() || options.opacity == 0) return {};
  clip_mask(options.clip, options.gain);
  mask_reach_.limit(work_, options.reach);

  // The mask is treated at the smaller of both sizes: up there every radius would only cost more.
  const double pixels = static_cast<double>(placement.width) * placement.height;
  const double head_pixels = static_cast<double>(head.cols) * head.rows;
  const bool reducing = pixels < head_pixels;
  if (reducing) {
    cv::resize(work_, scaled_, placement.size(), 0, 0, cv::INTER_AREA);
    std::swap(work_, scaled_);
  }
  edge_colors_.clean(work_, options.decontaminate);
  treat_mask(options, reducing ? 1.0 : std::sqrt(head_pixels / pixels));
  if (options.fade > 0) fade_border(options.fade, placement, output);
  if (options.color_match) match_colors(behind);

  const cv::Rect shown = visible - placement.tl();
  if (work_.size() == placement.size()) return {visible, work_(shown)};
  const double visible_pixels = static_cast<double>(visible.width) * visible.height;
  if (pixels <= 4 * visible_pixels) {
    cv::resize(work_, scaled_, placement.size(), 0, 0, cv::INTER_LINEAR);
    return {visible, scaled_(shown)};
  }
  // Most of it is out of sight: only the visible part is drawn.
  const double step_x = static_cast<double>(head.cols) / placement.width;
  const double step_y = static_cast<double>(head.rows) / placement.height;
  const cv::Matx23d to_head(step_x, 0, (shown.x + 0.5) * step_x - 0.5,  //
                            0, step_y, (shown.y + 0.5) * step_y - 0.5);
  cv::warpAffine(work_, scaled_, to_head, visible.size(), cv::INTER_LINEAR | cv::WARP_INVERSE_MAP,
                 cv::BORDER_REPLICATE);
  return {visible, scaled_};
}

void Compositor::reset() {
  previous_mask_.release();
}

void Compositor::smooth_mask(double share) {
  if (share <= 0) {
    previous_mask_.release();
    return;
  }
  cv::extractChannel(work_, mask_, 3);
  if (previous_mask_.size() != mask_.size()) {
    mask_.convertTo(previous_mask_, CV_32F);
    return;
  }
  cv::accumulateWeighted(mask_, previous_mask_, 1 - share);
  previous_mask_.convertTo(mask_, CV_8U);
  cv::insertChannel(mask_, work_, 3);
}

void Compositor::treat_mask(const MaskOptions& options, double scale) {
  constexpr double least = 1e-3;
  const double radius = options.erode * scale, sigma = options.feather * scale;
  if (radius < least && sigma < least && options.opacity == 1) return;
  cv::extractChannel(work_, mask_, 3);
  if (radius >= least) erode(mask_, radius, scratch_);
  if (sigma >= least) feather(mask_, sigma, scratch_);
  if (options.opacity < 1) mask_.convertTo(mask_, CV_8U, options.opacity);
  cv::insertChannel(mask_, work_, 3);
}

void Compositor::Fade::set(double first_share, double last_share, int size) {
  if (first == first_share && last == last_share && weights.size() == static_cast<std::size_t>(size)) return;
  first = first_share;
  last = last_share;
  weights.resize(static_cast<std::size_t>(size));
  for (int i = 0; i < size; ++i) {
    const double place = (i + 0.5) / size;
    const auto rise = [](double distance, double width) {
      return smooth_step(width > 0 ? std::min(distance / width, 1.0) : 1.0);
    };
    const double weight = rise(place, first) * rise(1 - place, last);
    weights[static_cast<std::size_t>(i)] = static_cast<int>(std::lround(256 * weight));
  }
}

void Compositor::fade_border(double share, const cv::Rect& placement, const cv::Size& background) {
  // Never farther than the border is inside, so that a head that comes to the output's edge loses its fade gradually.
  const auto width = [share](int inside, int side) {
    return std::min(share, std::max(0.0, static_cast<double>(inside) / side));
  };
  across_.set(width(placement.x, placement.width),
              width(background.width - placement.br().x, placement.width), work_.cols);
  down_.set(width(placement.y, placement.height),
            width(background.height - placement.br().y, placement.height), work_.rows);
  const int* across = across_.weights.data();
  int left = 0, right = work_.cols;  // columns between them keep their alpha
  while (left < right && across[left] < 256) ++left;
  while (right > left && across[right - 1] < 256) --right;
  for (int y = 0; y < work_.rows; ++y) {
    std::uint8_t* row = work_.ptr(y);
    const int down = down_.weights[static_cast<std::size_t>(y)];
    const auto fade = [&](int from, int to) {
      for (int x = from; x < to; ++x) {
        std::uint8_t& alpha = row[4 * x + 3];
        alpha = static_cast<std::uint8_t>((alpha * across[x] * down + 32768) >> 16);
      }
    };
    if (down < 256) {
      fade(0, work_.cols);
    } else {
      fade(0, left);
      fade(right, work_.cols);
    }
  }
}

void Compositor::clip_mask(double clip, double gain) {
  if (clip <= 0 && gain == 1) return;
  std::uint8_t table[256];
  for (int alpha = 0; alpha < 256; ++alpha)
    table[alpha] = cv::saturate_cast<std::uint8_t>((alpha - 255 * clip) / (1 - clip) * gain);
  for (int y = 0; y < work_.rows; ++y) {
    std::uint8_t* row = work_.ptr(y);
    for (int x = 0; x < work_.cols; ++x) row[4 * x + 3] = table[row[4 * x + 3]];
  }
}

void Compositor::match_colors(const cv::Mat& behind) {
  if (behind.empty()) return;
  check_background(behind);
  cv::Scalar head_mean, head_deviation, mean, deviation;
  const auto measure = [this](const cv::Mat& picture, cv::Scalar& its_mean, cv::Scalar& its_deviation) {
    cv::resize(picture, scratch_, statistics_size(picture.size()), 0, 0, cv::INTER_AREA);
    mask_.release();
    if (picture.channels() == 4) {
      cv::extractChannel(scratch_, mask_, 3);
      cv::threshold(mask_, mask_, 127, 255, cv::THRESH_BINARY);
      if (cv::countNonZero(mask_) == 0) return false;
    }
    cv::meanStdDev(scratch_, its_mean, its_deviation, mask_);
    return true;
  };
  // Over nothing there is nothing to go by.
  if (!measure(behind, mean, deviation) || !measure(work_, head_mean, head_deviation)) return;

  cv::Mat table(1, 256, CV_8UC4);
  for (int value = 0; value < 256; ++value) {
    cv::Vec4b& entry = table.at<cv::Vec4b>(value);
    for (int c = 0; c < 3; ++c) {
      const double ratio = std::clamp(deviation[c] / std::max(head_deviation[c], 1.0), 0.5, 2.0);
      const double gain = 1 + color_match_share * (ratio - 1);
      const double center = head_mean[c] + color_match_share * (mean[c] - head_mean[c]);
      entry[c] = cv::saturate_cast<std::uint8_t>(center + gain * (value - head_mean[c]));
    }
    entry[3] = static_cast<std::uint8_t>(value);
  }
  cv::LUT(work_, table, work_);
}

}  // namespace reenact
