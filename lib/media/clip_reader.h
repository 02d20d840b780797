// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <string>

namespace reenact {

enum class ClipColors { rgb, grey };

/// Reads a clip frame by frame through GStreamer, as a player shows it: of several streams the first that moves and is no
/// cover picture, turned by its rotation tag, stretched to square pixels, in the colors that the stream or else its
/// container tells, HDR (PQ, HLG) brought to sRGB, transparency over black; of interlaced frames the field that comes
/// first. A change of size in mid-clip changes the size of the frames.
class ClipReader {
 public:
  struct Frame {
    cv::Mat picture;         ///< RGB CV_8UC3, or CV_8UC1
    std::int64_t timestamp;  ///< nanoseconds since the first frame, not decreasing
  };

  /// Decodes up to the first frame, with `threads` threads; 0: as many as the decoder likes. Throws Error: not_found;
  /// unreadable when it is no clip, has no video or no decoder is installed for it.
  explicit ClipReader(const std::filesystem::path& path, ClipColors colors = ClipColors::rgb,
                      int threads = 0);
  ~ClipReader();
  ClipReader(const ClipReader&) = delete;
  ClipReader& operator=(const ClipReader&) = delete;

  /// Empty at the end. What cannot be decoded is passed over, see problems().
  std::optional<Frame> next();
  /// Passes over a frame; false at the end.
  bool skip();

  /// Frames a second, as the container or the stream tells; 25 where neither does.
  double frame_rate() const;
  /// How many frames there are by length and rate; 0: unknown.
  std::int64_t count() const;
  /// What was lost up to here, e.g. "2 packets could not be decoded"; empty when nothing was.
  std::string problems() const;
  /// Packets that gave no frame, and frames that the decoder calls damaged.
  std::int64_t lost() const;

 private:
  struct Private;
  std::unique_ptr<Private> p_;
};

}  // namespace reenact
