// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/pose_mapper.h"

#include <cstddef>

namespace reenact {
namespace {

/// Of what the landmark head does not measure. Less holds the identity better, and loses lids and nods.
constexpr double kept_share = 0.6;

// How far beyond the driver's measures to aim, as a share of the way there. With 1 drawn heads turn 5 degrees too little,
// blink too little and hardly raise their brows; with 2 for the bearing those far from the front turn too far. Chosen on
// the fourteen clips of split val.
constexpr double bearing_gain = 1.5, lids_gain = 1.8, mouth_gain = 1.2, brows_gain = 3, width_gain = 1.6;

/// Where to move a pose that measures `now` so that the drawn head shows `wanted`.
FaceMeasures aim(const FaceMeasures& now, const FaceMeasures& wanted) {
  FaceMeasures result = wanted;
  const auto beyond = [](double from, double to, double gain) { return from + gain * (to - from); };
  result.left_lids = beyond(now.left_lids, wanted.left_lids, lids_gain);
  result.right_lids = beyond(now.right_lids, wanted.right_lids, lids_gain);
  result.mouth = beyond(now.mouth, wanted.mouth, mouth_gain);
  result.mouth_width = beyond(now.mouth_width, wanted.mouth_width, width_gain);
  result.turn = beyond(now.turn, wanted.turn, bearing_gain);
  result.nod = beyond(now.nod, wanted.nod, bearing_gain);
  result.tilt = beyond(now.tilt, wanted.tilt, bearing_gain);
  result.left_brow = beyond(now.left_brow, wanted.left_brow, brows_gain);
  result.right_brow = beyond(now.right_brow, wanted.right_brow, brows_gain);
  return result;
}

/// Of how high the driver's brows usually are. Without it drawn brows hardly follow drivers whose own are far from the
/// identity's; more costs the identity and the lids.
constexpr double kept_brow_height = 0.28;

/// The driver's measures with the proportions of a face that rests as `rest` for those of one that does as `usual`.
FaceMeasures with_proportions(FaceMeasures driver, const FaceMeasures& usual, const FaceMeasures& rest) {
  constexpr double exchanged = 1 - kept_brow_height;
  driver.left_brow += exchanged * (rest.left_brow - usual.left_brow);
  driver.right_brow += exchanged * (rest.right_brow - usual.right_brow);
  driver.mouth_width += rest.mouth_width - usual.mouth_width;
  return driver;
}

}  // namespace

void PoseMapper::reset() {
  finder_.reset();
  take_reference_ = true;
  reference_.clear();
}

std::span<const float> PoseMapper::map(std::span<const float> pose, std::span<const float> neutral_pose,
                                       PoseMode mode, double strength, const Sighting& sighting) {
  if (take_reference_ || reference_.size() != pose.size()) {
    if (!reference_.empty()) finder_.hold();
    reference_.assign(pose.begin(), pose.end());
    take_reference_ = false;
  }
  // In the other modes too, so that a change to automatic finds it ready.
  const std::span<const float> mean = finder_.update(pose, sighting, head_.get());
  if (mode == PoseMode::absolute && strength == 1) return pose;

  const bool has_rest = neutral_pose.size() == pose.size();
  const bool measured = mode == PoseMode::automatic && has_rest && head_ &&
                        static_cast<std::size_t>(head_->pose_embedding_size()) == pose.size();
  const std::span<const float> reference =
      mode == PoseMode::automatic ? mean : std::span<const float>(reference_);
  const std::span<const float> rest = has_rest ? neutral_pose : reference;
  const std::span<const float> origin = mode == PoseMode::absolute ? rest : reference;
  const double share = measured ? kept_share * strength : strength;
  mapped_.resize(pose.size());
  for (std::size_t i = 0; i < pose.size(); ++i)
    mapped_[i] = static_cast<float>(rest[i] + share * (pose[i] - origin[i]));
  if (measured) {
    const FaceMeasures at_rest = head_->measure(rest);
    const FaceMeasures drivers = with_proportions(head_->measure(pose), head_->measure(reference), at_rest);
    const FaceMeasures wanted = interpolated(at_rest, drivers, strength);
    mapped_ = head_->with_measures(mapped_, aim(head_->measure(mapped_), wanted), FaceSides::together);
  }
  return mapped_;
}

}  // namespace reenact
