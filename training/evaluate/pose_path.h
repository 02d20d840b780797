// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

namespace reenact::training {

/// How a way leads from one pose to another.
enum class PathKind {
  sphere,  ///< on the great circle between their directions, lengths between theirs, as Fig. 4 of the paper
  line     ///< straight
};

/// `steps` + 1 poses from `from` to `to`, both ends exactly. Throws Error (invalid) for fewer than one step and for poses of
/// different lengths.
std::vector<std::vector<float>> pose_path(const std::vector<float>& from, const std::vector<float>& to,
                                          int steps, PathKind kind);

}  // namespace reenact::training
