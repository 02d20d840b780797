// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace reenact {

/// From 0 at 0 to 1 at 1, level at both ends.
inline double smooth_step(double t) {
  return t * t * (3 - 2 * t);
}

}  // namespace reenact
