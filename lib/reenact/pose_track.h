// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace reenact {

/// A recorded sequence of pose descriptors: a file of kind `pose_track`.
struct PoseTrack {
  std::vector<std::vector<float>> poses;  ///< N of [d_p]
  std::vector<std::int64_t> timestamps;   ///< N, nanoseconds since the start, not decreasing
  std::string licence;
  nlohmann::json provenance = nlohmann::json::object();

  /// Frames a second from first to last timestamp, 25 when there is one pose only.
  double frame_rate() const;
};

/// Throws Error as ModelFile does, and wrong_kind when shapes, numbers or times make no sense.
PoseTrack load_pose_track(const std::filesystem::path& path);
void save_pose_track(const std::filesystem::path& path, const PoseTrack& track);

}  // namespace reenact
