// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <vector>

#include "reenact/export.h"

namespace reenact {

/// What a driver's pose means for the identity's head.
enum class PoseMode {
  absolute,  ///< the head takes the driver's pose
  relative   ///< the head moves from its own resting pose as the driver moves from a reference
};

/// Turns the driver's pose into the one the identity's head takes:
///
///     absolute  rest + strength * (pose - rest)
///     relative  rest + strength * (pose - reference)
///
/// where `rest` is the identity's neutral pose, or the reference when it has none, and `reference` the
/// driver's pose when set_reference() was asked for, at first the first one seen.
class PoseMapper {
 public:
  /// The next pose becomes the reference.
  void set_reference() { take_reference_ = true; }
  REENACT_API void reset();
  /// The result is valid until the next call. `neutral_pose` is ignored unless it is as long as `pose`.
  REENACT_API std::span<const float> map(std::span<const float> pose, std::span<const float> neutral_pose,
                                         PoseMode mode, double strength);

 private:
  bool take_reference_ = true;
  std::vector<float> reference_, mapped_;
};

}  // namespace reenact
