// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <vector>

namespace reenact::test {

struct FfmpegFrame {
  cv::Mat rgb;
  std::int64_t timestamp;  ///< nanoseconds since the first frame
};

/// All frames of a clip as FFmpeg's libraries decode them: the stream they call the best, with the matrix and the range
/// that the frames tell, turned by the display matrix and stretched to square pixels. Throws std::runtime_error.
std::vector<FfmpegFrame> ffmpeg_frames(const std::filesystem::path& path);

}  // namespace reenact::test
