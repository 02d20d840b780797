// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "reenact/export.h"
#include "reenact/json_object.h"

namespace reenact {

/// Where the face of a pose lay in the driver's frame.
struct FacePlacement {
  cv::Rect crop;   ///< the window the pose was read from, pixels of the frame; may reach outside
  cv::Size frame;  ///< of the driver, pixels
  bool found =
      true;  ///< false: the pose and the window of an earlier frame were held, no face was seen in this one

  bool operator==(const FacePlacement&) const = default;
};

/// A recorded sequence of pose descriptors: a file of kind `pose_track`.
struct PoseTrack {
  std::vector<std::vector<float>> poses;  ///< N of [d_p]
  std::vector<std::int64_t> timestamps;   ///< N, nanoseconds since the driver's first frame, not decreasing
  std::vector<FacePlacement> placements;  ///< N, or none where nobody recorded them (files before they were)
  std::string licence;
  JsonObject provenance;

  /// Frames a second from first to last timestamp, 25 when there is one pose only.
  REENACT_API double frame_rate() const;
};

/// Reads `poses` [N, d_p], `timestamps` I64 [N] and, all three or none, `crops` I32 [N, 4] (left, top, width, height),
/// `frame_sizes` I32 [N, 2] (width, height) and `found` BOOL [N]. Throws Error as ModelFile does, and wrong_kind when
/// shapes, numbers or times make no sense.
REENACT_API PoseTrack load_pose_track(const std::filesystem::path& path);
/// An interrupted or failed write leaves the file that was there. Throws Error: invalid when the track has no pose or its
/// parts do not fit each other, unreadable when the file cannot be written.
REENACT_API void save_pose_track(const std::filesystem::path& path, const PoseTrack& track);

}  // namespace reenact
