// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <opencv2/videoio.hpp>
#include <optional>
#include <vector>

namespace reenact {

/// Reads pictures in order from an image file, a folder of image files (sorted by name) or a video clip.
class PictureSource {
 public:
  struct Picture {
    cv::Mat rgb;             ///< CV_8UC3
    std::int64_t timestamp;  ///< nanoseconds since the first picture
  };

  /// Throws Error: not_found, unreadable when it is neither an image nor a clip that OpenCV reads.
  explicit PictureSource(const std::filesystem::path& path);

  /// Empty at the end. Throws Error (unreadable) for an image of a folder that cannot be read; the next call goes on with
  /// the one after it.
  std::optional<Picture> next();
  /// Pictures a second: the clip's own, 25 for images.
  double frame_rate() const { return frame_rate_; }
  /// How many pictures there are, as far as the container tells; 0: unknown.
  std::int64_t count() const;

 private:
  std::filesystem::path path_;
  std::vector<std::filesystem::path> images_;
  cv::VideoCapture clip_;
  double frame_rate_ = 25;
  std::int64_t index_ = 0;
};

/// One image file as RGB CV_8UC3. Throws Error: not_found, unreadable.
cv::Mat read_rgb(const std::filesystem::path& path);

/// `wanted` pictures spread evenly over the source, or all of them when there are fewer.
std::vector<cv::Mat> spread_pictures(const std::filesystem::path& path, int wanted);

}  // namespace reenact
