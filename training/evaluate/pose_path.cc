// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/pose_path.h"

#include <string>

#include "reenact/error.h"
#include "reenact/pose_interpolation.h"

namespace reenact::training {

std::vector<std::vector<float>> pose_path(const std::vector<float>& from, const std::vector<float>& to,
                                          int steps, PathKind kind) {
  if (steps < 1 || from.empty() || from.size() != to.size())
    throw Error(ErrorCode::invalid, "a path of " + std::to_string(steps) + " steps between poses of " +
                                        std::to_string(from.size()) + " and " + std::to_string(to.size()) +
                                        " numbers was asked for, wanted one step or more and poses alike");
  std::vector<std::vector<float>> path;
  for (int i = 0; i <= steps; ++i) {
    const double share = static_cast<double>(i) / steps;
    path.emplace_back(from.size());
    if (kind == PathKind::sphere || i == 0 || i == steps) {
      interpolate_poses(from, to, share, path.back());
      continue;
    }
    for (std::size_t k = 0; k < from.size(); ++k)
      path.back()[k] = static_cast<float>((1 - share) * from[k] + share * to[k]);
  }
  return path;
}

}  // namespace reenact::training
