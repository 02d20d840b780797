// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>

namespace reenact {

/// Where rendered pictures go.
class PictureSink {
 public:
  virtual ~PictureSink() = default;
  /// `picture` RGB CV_8UC3 or RGBA CV_8UC4, all of one size.
  virtual void add(const cv::Mat& picture) = 0;
  /// Completes the output; without it nothing appears under the final name of a strip or a clip.
  virtual void finish() = 0;
};

/// By the ending of `path`: ".png" one picture with all of them side by side, ".mp4" or ".avi" a clip,
/// anything else a folder of "000000.png", "000001.png"... Throws Error (unreadable) when it cannot be
/// written, (unsupported) when OpenCV has no encoder for it and (invalid) for RGBA in a clip.
std::unique_ptr<PictureSink> open_sink(const std::filesystem::path& path, double frame_rate);

}  // namespace reenact
