// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/reference_finder.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace reenact {
namespace {

constexpr double first_weight = 0.5;   // seconds that the first pose counts for
constexpr double longest_memory = 20;  // seconds that the past counts for
constexpr double settling_time = 1;    // seconds, time constant with which the reference follows the mean
constexpr double open_lids = 0.045, closed_mouth = 0.01;  // shares of the face's height, while a face rests
constexpr double usual_interval = 1.0 / 30;
constexpr double longest_interval = 0.1;  // seconds that one pose counts for, however long the gap before it

/// How much a pose tells of the face at rest, 0..1.
double restfulness(const FaceMeasures& face) {
  constexpr double open_mouth = 0.05, closed_eyes = 0.02, far_turn = 0.6, least = 0.05;
  const auto falling = [](double value, double half) { return 1 / (1 + value * value / (half * half)); };
  const double lids = std::max((face.left_lids + face.right_lids) / 2, 0.0);
  const double eyes = 1 - falling(lids, closed_eyes);
  return std::max(falling(face.mouth, open_mouth) * eyes * falling(face.turn, far_turn), least);
}

bool fits(const LandmarkHead* head, std::span<const float> pose) {
  return head && static_cast<std::size_t>(head->pose_embedding_size()) == pose.size();
}

}  // namespace

void ReferenceFinder::start(std::span<const float> pose, const LandmarkHead* head) {
  mean_.assign(pose.begin(), pose.end());
  weight_ = first_weight;
  if (!fits(head, pose)) return;
  FaceMeasures rest = head->measure(pose);
  rest.left_lids = std::max(rest.left_lids, open_lids);
  rest.right_lids = std::max(rest.right_lids, open_lids);
  rest.mouth = std::min(rest.mouth, closed_mouth);
  const std::vector<float> rested = head->with_measures(pose, rest);
  mean_.assign(rested.begin(), rested.end());
}

void ReferenceFinder::reset() {
  *this = {};
}

std::span<const float> ReferenceFinder::update(std::span<const float> pose, const Sighting& sighting,
                                               const LandmarkHead* head) {
  const bool known = sighting.seconds >= 0 && seconds_ >= 0;
  const double passed = known ? sighting.seconds - seconds_ : usual_interval;
  // After a jump back in time a pose counts as one of a usual stream.
  const double interval = passed > 0 ? std::min(passed, longest_interval) : usual_interval;
  if (sighting.seconds >= 0) seconds_ = sighting.seconds;
  if (!std::all_of(pose.begin(), pose.end(), [](float value) { return std::isfinite(value); }))
    return reference_;

  if (reference_.size() != pose.size()) {
    start(pose, head);
    face_ = sighting.face;
    reference_.assign(mean_.begin(), mean_.end());
    return reference_;
  }
  if (!sighting.held && sighting.face != face_) {
    start(pose, head);
    face_ = sighting.face;
    held_ = false;
  }
  if (hold_wanted_) {
    start(pose);
    hold_wanted_ = false;
    held_ = true;
  }
  if (!sighting.held && !held_) {
    const double weight = interval * (fits(head, pose) ? restfulness(head->measure(pose)) : 1);
    weight_ = std::min(weight_ + weight, longest_memory);
    for (std::size_t i = 0; i < mean_.size(); ++i) mean_[i] += weight / weight_ * (pose[i] - mean_[i]);
  }
  const double share = 1 - std::exp(-interval / settling_time);
  for (std::size_t i = 0; i < mean_.size(); ++i)
    reference_[i] += static_cast<float>(share * (mean_[i] - reference_[i]));
  return reference_;
}

}  // namespace reenact
