// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/stage_statistics.h"

#include <algorithm>
#include <numeric>

namespace reenact {

void StageStatistics::frame_came() {
  const std::lock_guard lock(mutex_);
  ++came_;
}

void StageStatistics::frame_done(GstClockTime elapsed) {
  const std::lock_guard lock(mutex_);
  times_[done_++ % times_.size()] = elapsed;
}

void StageStatistics::frame_dropped() {
  const std::lock_guard lock(mutex_);
  ++dropped_;
}

void StageStatistics::reset() {
  const std::lock_guard lock(mutex_);
  came_ = done_ = dropped_ = 0;
}

guint64 StageStatistics::came() const {
  const std::lock_guard lock(mutex_);
  return came_;
}

guint64 StageStatistics::done() const {
  const std::lock_guard lock(mutex_);
  return done_;
}

guint64 StageStatistics::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

double StageStatistics::mean_milliseconds() const {
  const std::lock_guard lock(mutex_);
  const auto count = std::ptrdiff_t(std::min<guint64>(done_, times_.size()));
  if (count == 0) return 0;
  return double(std::accumulate(times_.begin(), times_.begin() + count, GstClockTime(0))) / double(count) /
         GST_MSECOND;
}

double StageStatistics::longest_milliseconds() const {
  const std::lock_guard lock(mutex_);
  const auto count = std::ptrdiff_t(std::min<guint64>(done_, times_.size()));
  return count ? double(*std::max_element(times_.begin(), times_.begin() + count)) / GST_MSECOND : 0;
}

GstStructure* StageStatistics::structure(GstClockTime latency) const {
  return gst_structure_new("reenact-stats", "frames-in", G_TYPE_UINT64, came(), "frames-drawn", G_TYPE_UINT64,
                           done(), "frames-dropped", G_TYPE_UINT64, dropped(), "mean-ms", G_TYPE_DOUBLE,
                           mean_milliseconds(), "longest-ms", G_TYPE_DOUBLE, longest_milliseconds(),
                           "latency", G_TYPE_UINT64, latency, nullptr);
}

}  // namespace reenact
