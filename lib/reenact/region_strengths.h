// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <vector>

#include "reenact/export.h"
#include "reenact/landmark_head.h"

namespace reenact {

/// How far single regions of a face move from where they rest: 0 not at all, 1 as the pose says, more exaggerates.
struct RegionStrengths {
  double bearing = 1;  ///< turn, nod and tilt of the head
  double mouth = 1;    ///< how far it opens, and how wide it is
  double eyes = 1;     ///< lids and brows

  /// Whether poses stay as they are.
  bool change_nothing() const { return bearing == 1 && mouth == 1 && eyes == 1; }
};

/// `pose` [d_p] with every region as far from rest as `strengths` says, along the directions in which the landmark head,
/// learned on the trainer's clips, sees it move; the regions of strength 1 stay. `rest` [d_p] is the head's resting pose;
/// of another length: a face from the front, mouth closed and eyes open.
REENACT_API std::vector<float> with_region_strengths(const LandmarkHead& head, std::span<const float> pose,
                                                     std::span<const float> rest,
                                                     const RegionStrengths& strengths);

}  // namespace reenact
