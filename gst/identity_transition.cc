// SPDX-License-Identifier: LGPL-2.1-or-later
#include "identity_transition.h"
#include "reenact/smooth_step.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace reenact {
namespace {

std::vector<float> mixed(const std::vector<float>& from, const std::vector<float>& to, float share) {
  if (from.size() != to.size()) return share < 0.5f ? from : to;
  std::vector<float> result(to.size());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = from[i] + share * (to[i] - from[i]);
  return result;
}

/// Of what is drawn alone: name, consent and picture are those of the one that comes.
std::shared_ptr<const Identity> mixed(const std::shared_ptr<const Identity>& from,
                                      const std::shared_ptr<const Identity>& to, float share) {
  if (from->personal_weights || to->personal_weights) return share < 0.5f ? from : to;
  auto result = std::make_shared<Identity>();
  result->name = to->name;
  result->embedding = mixed(from->embedding, to->embedding, share);
  // One that rests nowhere would take the other's rest for its own.
  if (!from->neutral_pose.empty() && !to->neutral_pose.empty()) {
    result->neutral_pose = mixed(from->neutral_pose, to->neutral_pose, share);
  } else {
    result->neutral_pose = share < 0.5f ? from->neutral_pose : to->neutral_pose;
  }
  return result;
}

}  // namespace

void IdentityTransition::begin(std::shared_ptr<const Identity> next, GstClockTime duration) {
  from_ = duration > 0 && shown_ && next ? shown_ : nullptr;
  to_ = std::move(next);
  if (!from_) shown_ = to_;
  duration_ = duration;
  begun_ = GST_CLOCK_TIME_NONE;
}

std::shared_ptr<const Identity> IdentityTransition::at(GstClockTime time) {
  if (!from_) return shown_;
  if (!GST_CLOCK_TIME_IS_VALID(begun_)) begun_ = time;
  const bool over = !GST_CLOCK_TIME_IS_VALID(time) || time < begun_ || time - begun_ >= duration_;
  if (over) {
    from_.reset();
    shown_ = to_;
    return shown_;
  }
  const double way = double(time - begun_) / double(duration_);
  shown_ = mixed(from_, to_, float(smooth_step(way)));
  return shown_;
}

void IdentityTransition::reset() {
  *this = {};
}

}  // namespace reenact
