// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace reenact {

/// Counts the frames of a stream on which a face was found, and says once when hardly any has one.
class FaceTally {
 public:
  /// Counts a frame of that time, in seconds from any origin. A sentence when no face was found in the first
  /// five seconds.
  std::optional<std::string> count(bool found, double seconds);
  /// A sentence when nine frames in ten or more had no face; none where one was given before.
  std::optional<std::string> at_end();
  /// Begins with another stream.
  void reset() { *this = FaceTally(); }

  std::uint64_t frames() const { return frames_; }
  std::uint64_t frames_with_face() const { return frames_with_face_; }

 private:
  std::uint64_t frames_ = 0, frames_with_face_ = 0;
  double begin_ = 0;
  bool said_ = false;
};

}  // namespace reenact
