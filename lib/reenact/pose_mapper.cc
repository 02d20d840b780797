// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/pose_mapper.h"

namespace reenact {

void PoseMapper::reset() {
  take_reference_ = true;
  reference_.clear();
}

std::span<const float> PoseMapper::map(std::span<const float> pose, std::span<const float> neutral_pose,
                                       PoseMode mode, double strength) {
  if (take_reference_ || reference_.size() != pose.size()) {
    reference_.assign(pose.begin(), pose.end());
    take_reference_ = false;
  }
  if (mode == PoseMode::absolute && strength == 1) return pose;
  const std::span<const float> rest = neutral_pose.size() == pose.size() ? neutral_pose : reference_;
  const std::span<const float> origin = mode == PoseMode::absolute ? rest : reference_;
  mapped_.resize(pose.size());
  for (std::size_t i = 0; i < pose.size(); ++i)
    mapped_[i] = float(rest[i] + strength * (pose[i] - origin[i]));
  return mapped_;
}

}  // namespace reenact
