// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <span>

namespace reenact::cpu {

/// A CV_8UC3 as [size, size], scaled by area when it is larger, else linearly into `scaled`, which is kept between calls.
const cv::Mat& picture_of_size(const cv::Mat& rgb, int size, cv::Mat& scaled);
/// Bytes to 0..1.
void bytes_to_floats(const std::uint8_t* bytes, float* out, int count);
/// Both: CV_8UC3 to [size, size, 3] in 0..1, scaled by area when it is larger, else linearly. `scaled` is kept
/// between calls.
void picture_to_floats(const cv::Mat& rgb, int size, cv::Mat& scaled, std::span<float> out);

}  // namespace reenact::cpu
