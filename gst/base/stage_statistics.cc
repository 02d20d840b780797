// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/stage_statistics.h"

#include <algorithm>
#include <numeric>

#include "base/properties.h"

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

guint64 StageStatistics::done() const {
  const std::lock_guard lock(mutex_);
  return done_;
}

guint64 StageStatistics::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

GstStructure* StageStatistics::structure(GstClockTime latency) const {
  const std::lock_guard lock(mutex_);
  const auto end = times_.begin() + std::ptrdiff_t(std::min<guint64>(done_, times_.size()));
  double mean = 0, longest = 0;
  if (done_ > 0) {
    mean = double(std::accumulate(times_.begin(), end, GstClockTime(0))) / double(end - times_.begin()) /
           GST_MSECOND;
    longest = double(*std::max_element(times_.begin(), end)) / GST_MSECOND;
  }
  return gst_structure_new("reenact-stats", "frames-in", G_TYPE_UINT64, came_, "frames-drawn", G_TYPE_UINT64,
                           done_, "frames-dropped", G_TYPE_UINT64, dropped_, "mean-ms", G_TYPE_DOUBLE, mean,
                           "longest-ms", G_TYPE_DOUBLE, longest, "latency", G_TYPE_UINT64, latency, nullptr);
}

void install_stats(GObjectClass* object_class, guint id, const char* blurb) {
  g_object_class_install_property(
      object_class, id, g_param_spec_boxed("stats", "Statistics", blurb, GST_TYPE_STRUCTURE, read_only));
}

}  // namespace reenact
