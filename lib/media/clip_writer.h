// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>

namespace reenact {

/// Writes a clip through GStreamer: MPEG-4 part 2 into .mp4, .m4v, .mov and .mkv, Motion JPEG into .avi.
///
/// Every frame keeps its time to 5 microseconds, in .mkv to 10, whatever the rate; .avi knows one rate alone. The file
/// appears under its name when it is complete and on the disk.
class ClipWriter {
 public:
  /// Whether the name ends as a clip that can be written.
  static bool writes(const std::filesystem::path& path);

  /// `frame_rate` in frames a second is that of .avi, and says how long the last frame is shown. Throws Error: invalid
  /// unless it is positive, and for .avi between 0.1 and 1000; unsupported for other endings.
  ClipWriter(const std::filesystem::path& path, double frame_rate);
  /// Without finish() nothing is left.
  ~ClipWriter();
  ClipWriter(const ClipWriter&) = delete;
  ClipWriter& operator=(const ClipWriter&) = delete;

  /// `rgb` CV_8UC3, all of one size; `timestamp` in nanoseconds, growing, counts from the first. Throws Error: invalid for
  /// another picture or a time that .avi cannot hold, unreadable when the file cannot be written.
  void add(const cv::Mat& rgb, std::int64_t timestamp);
  /// Completes the file; writes none when there was no picture. Throws Error (unreadable), a full disk included; a file
  /// that was there before stays then.
  void finish();

 private:
  struct Private;
  std::unique_ptr<Private> p_;
};

}  // namespace reenact
