// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <span>

namespace reenact::cpu {

/// CV_8UC3 to [size, size, 3] in 0..1, scaled by area when it is larger, else linearly. `scaled` is kept
/// between calls.
void picture_to_floats(const cv::Mat& rgb, int size, cv::Mat& scaled, std::span<float> out);

}  // namespace reenact::cpu
