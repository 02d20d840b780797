// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/picture_input.h"

#include <array>
#include <opencv2/imgproc.hpp>

namespace reenact::cpu {

namespace {

// Divisions would take longer than what follows them.
constexpr std::array<float, 256> quotients = [] {
  std::array<float, 256> result{};
  for (int i = 0; i < 256; ++i) result[i] = static_cast<float>(i) / 255.0f;
  return result;
}();

}  // namespace

const cv::Mat& picture_of_size(const cv::Mat& rgb, int size, cv::Mat& scaled) {
  if (rgb.rows == size && rgb.cols == size) return rgb;
  const bool shrinks = rgb.rows > size || rgb.cols > size;
  cv::resize(rgb, scaled, {size, size}, 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
  return scaled;
}

void bytes_to_floats(const std::uint8_t* bytes, float* out, int count) {
  for (int i = 0; i < count; ++i) out[i] = quotients[bytes[i]];
}

void picture_to_floats(const cv::Mat& rgb, int size, cv::Mat& scaled, std::span<float> out) {
  const cv::Mat& picture = picture_of_size(rgb, size, scaled);
  for (int y = 0; y < size; ++y) bytes_to_floats(picture.ptr(y), out.data() + y * size * 3, size * 3);
}

}  // namespace reenact::cpu
