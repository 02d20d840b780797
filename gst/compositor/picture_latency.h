// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstaggregator.h>

#include <atomic>

#include "base/processing_latency.h"

namespace reenact {

/// What the compositor adds to the latency of a live pipeline. Here ends the way of a frame, so that this covers whatever
/// it waited for on its way.
class PictureLatency {
 public:
  explicit PictureLatency(GstAggregator* owner) : owner_(owner) {}

  GstClockTime reported() const { return reported_; }
  /// A format begins whose pictures took `rehearsed` without their background.
  void begin_format(GstClockTime rehearsed);
  /// The head that comes next waits for its background, which more latency makes no faster.
  void wait_for_background() { waited_for_background_ = true; }
  /// The picture of `running_time` was begun at `began` (monotonic time, microseconds), took `elapsed` and leaves now. The
  /// first ones of a format tell what its background costs; later ones make what is reported grow in small steps where
  /// they are late, unless the sink held up the one before.
  void picture_leaves(GstClockTime running_time, gint64 began, GstClockTime elapsed);
  /// Downstream has taken it.
  void passed_on() { passed_on_ = g_get_monotonic_time(); }
  /// Reports none.
  void reset();

 private:
  void report(GstClockTime latency);

  GstAggregator* owner_;
  std::atomic<GstClockTime> reported_ = 0;
  LatencyGrowth growth_;
  int pictures_of_format_ = 0;
  bool waited_for_background_ = false;
  gint64 passed_on_ = 0;  // when
};

}  // namespace reenact
