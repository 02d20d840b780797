// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>

#include "reenact/export.h"

namespace reenact {

/// The pose that lies `share` (0..1) of the way from `from` to `to`: its direction on the great circle between theirs, its
/// length between their lengths. Straight where one of them is zero or they point opposite ways. At 0 and 1 exactly the
/// pose given. All three have the same length; `out` may be one of them.
REENACT_API void interpolate_poses(std::span<const float> from, std::span<const float> to, double share,
                                   std::span<float> out);

}  // namespace reenact
