// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>

#include "fuzz_target.h"
#include "memory_file.h"
#include "reenact/error.h"
#include "reenact/pose_track.h"
#include "safetensors_tokens.h"

namespace reenact::test {

const std::span<const std::string_view> fuzz_tokens = safetensors_tokens;

}  // namespace reenact::test

/// A pose track that loads has finite poses of one size, a time for each that does not go back, and a rate.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reenact;
  static test::MemoryFile file;
  file.write({data, size});
  try {
    const PoseTrack track = load_pose_track(file.path());
    test::require(!track.poses.empty() && track.poses.size() == track.timestamps.size(),
                  "each pose has a time");
    for (std::size_t i = 0; i < track.poses.size(); ++i) {
      test::require(track.poses[i].size() == track.poses[0].size(), "poses are of one size");
      test::require(i == 0 || track.timestamps[i - 1] <= track.timestamps[i], "times do not go back");
      for (const float number : track.poses[i]) test::require(std::isfinite(number), "numbers are finite");
    }
    test::require(track.frame_rate() > 0 && std::isfinite(track.frame_rate()),
                  "the rate is a number above 0");
    ++test::accepted_inputs;
  } catch (const Error& error) {
    test::require(error.code() == ErrorCode::corrupt || error.code() == ErrorCode::wrong_kind,
                  "a damaged file is called corrupt or of another kind");
  }
  return 0;
}
