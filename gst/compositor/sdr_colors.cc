// SPDX-License-Identifier: LGPL-2.1-or-later
#include "compositor/sdr_colors.h"

#include <algorithm>
#include <cmath>

#include "media/bt2100.h"

namespace reenact {
namespace {

constexpr int table_size = 4096;
using media::diffuse_white, media::pq_peak, media::hlg_peak, media::hlg_system_gamma;

/// BT.709 to BT.2020 in linear light, BT.2087.
constexpr float to_wide[3][3] = {
    {0.6274f, 0.3293f, 0.0433f}, {0.0691f, 0.9195f, 0.0114f}, {0.0164f, 0.0880f, 0.8956f}};

}  // namespace

SdrColors::SdrColors(const GstVideoColorimetry& colorimetry) {
  const bool pq = colorimetry.transfer == GST_VIDEO_TRANSFER_SMPTE2084;
  const bool hlg = colorimetry.transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67;
  wide_ = colorimetry.primaries == GST_VIDEO_COLOR_PRIMARIES_BT2020;
  change_ = wide_ || pq || hlg;
  if (!change_) return;
  for (std::size_t value = 0; value < linear_.size(); ++value)
    linear_[value] = float(gst_video_transfer_function_decode(GST_VIDEO_TRANSFER_SRGB, double(value) / 255));
  encoded_.resize(table_size + 1);
  for (int i = 0; i <= table_size; ++i) {
    const double linear = std::pow(double(i) / table_size, 2);
    double signal = 0;
    if (pq) {
      signal = gst_video_transfer_function_encode(colorimetry.transfer, linear * diffuse_white / pq_peak);
    } else if (hlg) {
      const double scene = std::pow(linear * diffuse_white / hlg_peak, 1 / hlg_system_gamma);
      signal = gst_video_transfer_function_encode(colorimetry.transfer, scene);
    } else {
      signal = gst_video_transfer_function_encode(GST_VIDEO_TRANSFER_SRGB, linear);
    }
    encoded_[std::size_t(i)] = float(255 * signal);
  }
}

float SdrColors::encoded(float linear) const {
  const float place = std::sqrt(std::clamp(linear, 0.0f, 1.0f)) * table_size;
  const int below = std::min(int(place), table_size - 1);
  const float share = place - float(below);
  return encoded_[std::size_t(below)] * (1 - share) + encoded_[std::size_t(below) + 1] * share;
}

cv::Mat SdrColors::apply(const cv::Mat& rgb) const {
  const int channels = rgb.channels();
  cv::Mat out;
  rgb.convertTo(out, CV_32F);
  if (!change_) return out;
  for (int y = 0; y < rgb.rows; ++y) {
    const uchar* in = rgb.ptr(y);
    auto* pixel = out.ptr<float>(y);
    for (int x = 0; x < rgb.cols; ++x, in += channels, pixel += channels) {
      const float r = linear_[in[0]], g = linear_[in[1]], b = linear_[in[2]];
      if (!wide_) {
        pixel[0] = encoded(r);
        pixel[1] = encoded(g);
        pixel[2] = encoded(b);
        continue;
      }
      for (int c = 0; c < 3; ++c)
        pixel[c] = encoded(to_wide[c][0] * r + to_wide[c][1] * g + to_wide[c][2] * b);
    }
  }
  return out;
}

}  // namespace reenact
