// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <opencv2/core.hpp>
#include <span>
#include <string_view>

namespace reenact {

/// How a stored picture is turned to stand upright, numbered as EXIF's tag Orientation: 1 as it is, 2 mirrored left to
/// right, 3 turned by 180 degrees, 4 mirrored top to bottom, 5 transposed, 6 turned clockwise by 90, 7 transposed along
/// the other diagonal, 8 turned counterclockwise by 90.
inline constexpr int upright_orientation = 1;

/// The picture turned; any type. Shares the pixels where nothing is to be done.
cv::Mat turned_upright(const cv::Mat& picture, int orientation);

/// Of GStreamer's tag `image-orientation`, "rotate-90" or "flip-rotate-270"; upright for anything else.
int orientation_of_tag(std::string_view tag);

/// Of an EXIF block that begins with the TIFF header; upright where it says nothing or is damaged.
int orientation_of_exif(std::span<const std::byte> tiff);

/// Of the EXIF block in a whole file of JPEG, PNG, WebP or TIFF; upright where there is none.
int orientation_of_picture_file(std::span<const std::byte> file);

}  // namespace reenact
