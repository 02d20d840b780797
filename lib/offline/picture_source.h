// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <vector>

#include "media/picture_file.h"
#include "reenact/error.h"

namespace reenact {

class ClipReader;

/// Reads pictures in order from an image file, a folder of image files (sorted by name) or a video clip, as a viewer
/// shows them: see read_rgb() and ClipReader.
class PictureSource {
 public:
  struct Picture {
    cv::Mat rgb;  ///< CV_8UC3
    std::int64_t
        timestamp;  ///< nanoseconds since the first picture: a clip's own time, 40 ms apart for images
  };

  /// Throws Error: not_found, unreadable when it is neither an image nor a clip that can be decoded.
  /// Warns of files in a folder that are no pictures.
  explicit PictureSource(const std::filesystem::path& path);
  ~PictureSource();

  /// Empty at the end. What is broken in a clip is passed over, and the log says how much. Throws Error (unreadable) for
  /// an image that cannot be read; the next call goes on with the one after it.
  std::optional<Picture> next();
  /// Passes over a picture; false at the end. A clip's is not converted; an image is read, and throws, as by next().
  bool skip();
  /// Pictures a second: the clip's own, 25 for images.
  double frame_rate() const { return frame_rate_; }
  /// How many pictures there are, as far as the container tells; 0: unknown.
  std::int64_t count() const;

 private:
  void warn_of_damage() const;

  std::filesystem::path path_;
  std::vector<std::filesystem::path> images_;
  std::unique_ptr<ClipReader> clip_;
  double frame_rate_ = 25;
  std::int64_t index_ = 0;
};

/// `wanted` pictures spread evenly over the source, or all of them when there are fewer. An image that cannot be read is an
/// empty picture in its place, with a warning. `numbers` gets the place of each in the source, from 0. Throws Error as
/// PictureSource, and (unreadable) when not one can be read.
std::vector<cv::Mat> spread_pictures(const std::filesystem::path& path, int wanted,
                                     std::vector<std::int64_t>* numbers = nullptr);

/// Reads sources one after the other of which some may be damaged.
class SpreadReader {
 public:
  /// As spread_pictures(), but none and a warning for a source that is there and cannot be read.
  std::vector<cv::Mat> read(const std::filesystem::path& path, int wanted,
                            std::vector<std::int64_t>* numbers = nullptr);
  /// Throws the first error when there were sources and none could be read.
  void require_one() const;

 private:
  std::optional<Error> first_;
  bool any_ = false;
};

}  // namespace reenact
