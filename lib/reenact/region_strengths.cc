// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/region_strengths.h"

#include <cstddef>

namespace reenact {
namespace {

/// What most faces measure at rest.
constexpr FaceMeasures usual_rest{.left_lids = 0.05,
                                  .right_lids = 0.05,
                                  .nod = 0.1,
                                  .left_brow = 0.1,
                                  .right_brow = 0.1,
                                  .mouth_width = 0.35};

}  // namespace

std::vector<float> with_region_strengths(const LandmarkHead& head, std::span<const float> pose,
                                         std::span<const float> rest, const RegionStrengths& strengths) {
  if (strengths.change_nothing()) return {pose.begin(), pose.end()};
  const FaceMeasures now = head.measure(pose);
  const bool rests = rest.size() == static_cast<std::size_t>(head.pose_embedding_size());
  const FaceMeasures from = rests ? head.measure(rest) : usual_rest;
  const FaceMeasures bearing = interpolated(from, now, strengths.bearing),
                     mouth = interpolated(from, now, strengths.mouth),
                     eyes = interpolated(from, now, strengths.eyes);
  FaceMeasures wanted = now;
  if (strengths.bearing != 1) {
    wanted.turn = bearing.turn;
    wanted.nod = bearing.nod;
    wanted.tilt = bearing.tilt;
  }
  if (strengths.mouth != 1) {
    wanted.mouth = mouth.mouth;
    wanted.mouth_width = mouth.mouth_width;
  }
  if (strengths.eyes != 1) {
    wanted.left_lids = eyes.left_lids;
    wanted.right_lids = eyes.right_lids;
    wanted.left_brow = eyes.left_brow;
    wanted.right_brow = eyes.right_brow;
  }
  return head.with_measures(pose, wanted);
}

}  // namespace reenact
