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
  /// first ones of a format tell what its background costs, and those of the first 200 ms what a machine that is too
  /// slow from the beginning needs; later ones make what is reported grow in small steps where they are late, unless
  /// the sink held up the one before. Gives how much later it is than promised, 0 if it is not or nobody knows.
  GstClockTime picture_leaves(GstClockTime running_time, gint64 began, GstClockTime elapsed);
  /// Downstream has taken it.
  void passed_on();
  /// Reports none.
  void reset();

 private:
  void report(GstClockTime latency);
  /// Reports more at once where all of the first pictures are late and do not become less so.
  void begin_right(GstClockTimeDiff excess, gint64 now);

  GstAggregator* owner_;
  std::atomic<GstClockTime> reported_ = 0;
  LatencyGrowth growth_{4 * GST_MSECOND};
  int pictures_of_format_ = 0;
  gint64 first_left_ = 0;      // when the first picture left, monotonic time
  int pictures_at_first_ = 0;  // after it, until begun_
  bool begun_ = false;         // the audio may jump no more
  // Until then.
  GstClockTimeDiff least_excess_ = G_MAXINT64, first_excess_ = G_MAXINT64;
  bool waited_for_background_ = false;
  gint64 left_ = 0, passed_on_ = 0;  // when the last picture was ready, and when it had been taken
};

}  // namespace reenact
