// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>

namespace reenact {

/// Where rendered pictures go.
class PictureSink {
 public:
  virtual ~PictureSink() = default;
  /// `picture` RGB CV_8UC3 or RGBA CV_8UC4, all of one size; `timestamp` in nanoseconds, growing, is kept by clips.
  virtual void add(const cv::Mat& picture, std::int64_t timestamp) = 0;
  /// Completes the output; without it nothing appears under the final name of a strip or a clip.
  virtual void finish() = 0;
};

/// By the ending of `path`: ".png" one picture with all of them side by side, ".mp4", ".m4v", ".mov", ".mkv" or ".avi" a
/// clip of about `frame_rate` frames a second (see ClipWriter), anything else a folder of "000000.png", "000001.png"...
/// Throws Error (unreadable) when it cannot be written, (unsupported) for the endings of other pictures and clips or
/// without an encoder, and (invalid) for RGBA in a clip. Nothing of a full disk or another failure takes the place of a
/// file that was there.
std::unique_ptr<PictureSink> open_sink(const std::filesystem::path& path, double frame_rate);

}  // namespace reenact
