// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/hdr_colors.h"

#include <algorithm>
#include <cmath>

#include "media/bt2100.h"

namespace reenact::media {
namespace {

constexpr int table_size = 4096;
constexpr float brightest = static_cast<float>(pq_peak / diffuse_white);

/// BT.2020 to BT.709 in linear light, BT.2087's matrix turned round, and the luminance of BT.2020.
constexpr float to_narrow[3][3] = {
    {1.6605f, -0.5876f, -0.0728f}, {-0.1246f, 1.1329f, -0.0083f}, {-0.0182f, -0.1006f, 1.1187f}};
constexpr float luminance[3] = {0.2627f, 0.6780f, 0.0593f};

/// Linear light of 1 and more, pressed into what is left above the knee.
double pressed(double light) {
  constexpr double knee = 0.8;  // nine tenths of sRGB's levels
  return light <= knee ? light : knee + (1 - knee) * (1 - std::exp((knee - light) / (1 - knee)));
}

std::size_t place(float share) {
  return static_cast<std::size_t>(std::sqrt(std::clamp(share, 0.0f, 1.0f)) * table_size + 0.5f);
}

}  // namespace

HdrColors::HdrColors(const GstVideoColorimetry& colorimetry) {
  const bool pq = colorimetry.transfer == GST_VIDEO_TRANSFER_SMPTE2084;
  hlg_ = colorimetry.transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67;
  if (!pq && !hlg_) return;
  for (int level = 0; level < 256; ++level) {
    const double light = gst_video_transfer_function_decode(colorimetry.transfer, level / 255.0);
    linear_.push_back(static_cast<float>(pq ? light * pq_peak / diffuse_white : light));
  }
  for (int i = 0; i <= table_size; ++i) {
    const double share = std::pow(static_cast<double>(i) / table_size, 2), light = share * brightest;
    display_.push_back(static_cast<float>(std::pow(share, hlg_system_gamma - 1) * hlg_peak / diffuse_white));
    mapped_.push_back(light > 0 ? static_cast<float>(pressed(light) / light) : 1);
    const double signal = gst_video_transfer_function_encode(GST_VIDEO_TRANSFER_SRGB, share);
    encoded_.push_back(static_cast<unsigned char>(std::lround(255 * std::clamp(signal, 0.0, 1.0))));
  }
}

void HdrColors::apply(cv::Mat& picture) const {
  if (!change()) return;
  const int channels = picture.channels();
  for (int y = 0; y < picture.rows; ++y) {
    auto* pixel = picture.ptr(y);
    for (int x = 0; x < picture.cols; ++x, pixel += channels) {
      float light[3] = {linear_[pixel[0]], linear_[pixel[1]], linear_[pixel[2]]};
      if (hlg_) {
        float scene = 0;
        for (int c = 0; c < 3; ++c) scene += luminance[c] * light[c];
        const float factor = display_[place(scene)];
        for (float& channel : light) channel *= factor;
      }
      float narrow[3];
      for (int c = 0; c < 3; ++c)
        narrow[c] = to_narrow[c][0] * light[0] + to_narrow[c][1] * light[1] + to_narrow[c][2] * light[2];
      const float factor = mapped_[place(std::max({narrow[0], narrow[1], narrow[2]}) / brightest)];
      for (int c = 0; c < 3; ++c) pixel[c] = encoded_[place(narrow[c] * factor)];
    }
  }
}

}  // namespace reenact::media
