// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/pose_filter.h"

#include <algorithm>
#include <cmath>

#include "reenact/pose_interpolation.h"
#include "reenact/smooth_step.h"

namespace reenact {
namespace {

constexpr double usual_interval = 1.0 / 30;

double length_of(std::span<const float> values) {
  double square = 0;
  for (const float value : values) square += double(value) * value;
  return std::sqrt(square);
}

double distance(std::span<const float> a, std::span<const float> b) {
  double square = 0;
  for (std::size_t i = 0; i < a.size(); ++i) square += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
  return std::sqrt(square);
}

}  // namespace

void PoseFilter::reset() {
  pose_.clear();
  shown_.clear();
  held_.clear();
  one_euro_.clear();
  reference_.reset();
  last_seconds_ = gap_begin_ = gap_end_ = -1;
}

void PoseFilter::begin(std::span<const float> pose) {
  reset();
  one_euro_.assign(pose.size(), OneEuroFilter());
  scale_ = std::max(length_of(pose), 1e-6);
}

std::span<const float> PoseFilter::filter(std::span<const float> pose, const Sighting& sighting) {
  const double now = sighting.seconds >= 0 ? sighting.seconds : std::max(last_seconds_, 0.0) + usual_interval;
  if (pose.empty()) return hold(now);
  if (one_euro_.size() != pose.size()) begin(pose);
  const double since = last_seconds_ < 0 || now <= last_seconds_ ? usual_interval : now - last_seconds_;
  pose_.assign(pose.begin(), pose.end());
  if (options_.min_cutoff > 0) {
    smooth(since);
  } else {
    for (OneEuroFilter& filter : one_euro_) filter.reset();
  }
  if (options_.strength != 1 || options_.most_deviation > 0) change_strength(sighting);
  if (gap_begin_ >= 0) {
    gap_end_ = now;
    gap_begin_ = -1;
    held_ = shown_;
  }
  ease(now);
  if (options_.most_speed > 0) limit_speed(since);
  shown_ = pose_;
  last_seconds_ = now;
  return shown_;
}

void PoseFilter::smooth(double seconds) {
  // A number moves by this much a second when the pose moves by its own length.
  const double unit = scale_ / std::sqrt(double(pose_.size()));
  for (std::size_t i = 0; i < pose_.size(); ++i) {
    one_euro_[i].tune(options_.min_cutoff, options_.beta / unit, 1.0);
    pose_[i] = static_cast<float>(one_euro_[i].filter(pose_[i], seconds));
  }
}

void PoseFilter::change_strength(const Sighting& sighting) {
  const std::span<const float> mean = reference_.update(pose_, sighting, nullptr);
  double strength = options_.strength;
  if (options_.most_deviation > 0) {
    const double deviation = strength * distance(pose_, mean),
                 most = options_.most_deviation * length_of(mean);
    if (deviation > most) strength *= most / deviation;
  }
  if (strength == 1) return;
  for (std::size_t i = 0; i < pose_.size(); ++i)
    pose_[i] = static_cast<float>(mean[i] + strength * (double(pose_[i]) - mean[i]));
}

void PoseFilter::limit_speed(double seconds) {
  if (shown_.size() != pose_.size()) return;
  const double way = distance(pose_, shown_), most = options_.most_speed * scale_ * seconds;
  if (way > most) interpolate_poses(shown_, pose_, most / way, pose_);
}

std::span<const float> PoseFilter::hold(double now) {
  last_seconds_ = std::max(now, last_seconds_);
  if (shown_.empty()) return {};
  if (gap_begin_ < 0) {
    gap_begin_ = now;
    for (OneEuroFilter& filter : one_euro_) filter.reset();
  }
  if (now - gap_begin_ < options_.hold_seconds) return shown_;
  // Nothing was shown for a while: what comes next has nothing to go over from.
  shown_.clear();
  gap_begin_ = -1;
  return {};
}

void PoseFilter::ease(double now) {
  if (held_.size() != pose_.size()) return;
  const double share = options_.ease_seconds > 0 ? (now - gap_end_) / options_.ease_seconds : 1;
  if (share >= 1) {
    held_.clear();
    return;
  }
  interpolate_poses(held_, pose_, smooth_step(share), pose_);
}

}  // namespace reenact
