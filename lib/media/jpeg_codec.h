// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <opencv2/core.hpp>
#include <span>
#include <vector>

namespace reenact {

/// A whole JPEG file as stored: CV_8UC1 or RGB CV_8UC3 (CMYK is converted). Throws Error (corrupt) with the decoder's
/// words, without a file's name, for what is damaged or cut short too.
cv::Mat decode_jpeg(std::span<const std::byte> file);

/// `picture` CV_8UC1 or RGB CV_8UC3, baseline with colors at half the resolution; `quality` 1 to 100. Throws Error
/// (invalid) for other pictures.
std::vector<std::byte> encode_jpeg(const cv::Mat& picture, int quality = 95);

}  // namespace reenact
