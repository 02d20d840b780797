// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <opencv2/core.hpp>
#include <span>
#include <vector>

namespace reenact {

/// A whole PNG file at 8 bits a value: CV_8UC1, RGB CV_8UC3 or straight RGBA CV_8UC4. Throws Error (corrupt) with the
/// decoder's words, without a file's name.
cv::Mat decode_png(std::span<const std::byte> file);

/// `picture` CV_8UC1, RGB CV_8UC3 or straight RGBA CV_8UC4. Throws Error (invalid) for other pictures.
std::vector<std::byte> encode_png(const cv::Mat& picture);

}  // namespace reenact
