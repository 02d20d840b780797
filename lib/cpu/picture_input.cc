// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/picture_input.h"

#include <opencv2/imgproc.hpp>

namespace reenact::cpu {

void picture_to_floats(const cv::Mat& rgb, int size, cv::Mat& scaled, std::span<float> out) {
  const cv::Mat* picture = &rgb;
  if (rgb.rows != size || rgb.cols != size) {
    const bool shrinks = rgb.rows > size || rgb.cols > size;
    cv::resize(rgb, scaled, {size, size}, 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
    picture = &scaled;
  }
  float* to = out.data();
  for (int y = 0; y < size; ++y, to += size * 3) {
    const std::uint8_t* from = picture->ptr(y);
    for (int i = 0; i < size * 3; ++i) to[i] = static_cast<float>(from[i]) / 255.0f;
  }
}

}  // namespace reenact::cpu
