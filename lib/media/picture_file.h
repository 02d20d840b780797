// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <opencv2/core.hpp>
#include <string>

namespace reenact {

/// What the first bytes of a file say it holds: "JPEG", "PNG", "WebP", "HEIC", ...; empty when it is no picture, or cannot
/// be read.
std::string picture_format(const std::filesystem::path& path);

/// Whether those bytes are a picture's that does not move: a GIF counts as a clip.
bool is_still_picture(const std::filesystem::path& path);

/// The ending of a name in small letters, with its dot; empty where there is none.
std::string lower_extension(const std::filesystem::path& path);

/// One picture as a viewer shows it, RGB CV_8UC3: turned by its EXIF tag, transparency over black. JPEG and PNG are
/// decoded by their libraries, other formats by what GStreamer has installed for them. Throws Error (not_found) and
/// (unreadable) for what is no picture, is damaged or cut short, or has no decoder.
cv::Mat read_rgb(const std::filesystem::path& path);

/// The same in grey, CV_8UC1, e.g. a mask.
cv::Mat read_grey(const std::filesystem::path& path);

/// What is seen of straight RGBA CV_8UC4 over black, RGB CV_8UC3.
cv::Mat over_black(const cv::Mat& rgba);
/// The same of premultiplied RGBA, which is its color.
cv::Mat without_alpha(const cv::Mat& rgba);

}  // namespace reenact
