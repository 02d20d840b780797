// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace reenact::bench {

/// What `reenactbin` is measured with.
struct ElementsRun {
  std::filesystem::path reenactor, detector, identity;
  std::string clip;             ///< a video file to decode; empty: `frames` again and again, as I420
  std::vector<cv::Mat> frames;  ///< RGB CV_8UC3 of one size with even sides
  std::string device = "cpu";
  int width = 640, height = 480;
  int detect_interval = 10, detect_size = 320;
  int threads = 2;
  int warm_up = 20;   ///< frames that do not count
  int counted = 200;  ///< frames that do, fewer when the clip ends
};

/// Frames in, composited frames of the same size and format (I420) out, through a GStreamer pipeline with
/// reenactbin: fields median_ms, p95_ms (between two frames that come out), fps, first_frame_ms (from the
/// wish to play to the first frame out, models loaded in between), frames. Throws std::runtime_error when
/// GStreamer says that something failed, or does not find the elements.
nlohmann::ordered_json run_elements(const ElementsRun& run);

/// What each stream has to reach, frames a second.
constexpr double stream_frame_rate = 30;

/// How many such pipelines of raw frames, at most `most`, run at once in this process so that the slowest keeps
/// stream_frame_rate; none waits for a clock. Fields streams (0: not even one does), fps (of the slowest of so many,
/// or of the one that fails), total_fps, tried (streams and the slowest's fps of each attempt). Throws as above.
nlohmann::ordered_json run_streams(const ElementsRun& run, int most);

}  // namespace reenact::bench
