// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>

namespace reenact {

/// Which frames of a live stream are left out where work on them would begin, so that what is worked on is fresh:
/// those that come much later than frames usually come, those before which another one still waits for the
/// generator, and, once pictures come so late that sinks leave them out, those before which two are on their way. Four a second are taken in any case. Times are running times.
class LoadShedding {
 public:
  /// Whether the frame of `time` is to be left out. `now` is the pipeline's, `upstream` the latency of everything before,
  /// `duration` that of a frame or GST_CLOCK_TIME_NONE. From the thread of the stream.
  bool too_late(GstClockTime time, GstClockTime now, GstClockTime upstream, GstClockTime duration);
  /// The frame of `time` is pushed downstream at `now`.
  void pushed(GstClockTime time, GstClockTime now);
  /// The generator begins with the frame of `time`; from any thread.
  void begun(GstClockTime time) { begun_ = time; }
  /// The picture of `time` has left reenactcompositor, `late` later than promised; from any thread.
  void drawn(GstClockTime time, GstClockTime late);
  /// After a flush, and when the stream ends.
  void reset();

 private:
  GstClockTimeDiff usual_lateness(GstClockTimeDiff lateness);

  std::atomic<GstClockTime> begun_ = GST_CLOCK_TIME_NONE, drawn_ = GST_CLOCK_TIME_NONE;
  std::atomic<bool> late_ = false;  // whether the last picture was
  GstClockTime pushed_ = GST_CLOCK_TIME_NONE, pushed_at_ = 0;
  GstClockTime before_ = GST_CLOCK_TIME_NONE;  // what was pushed before that
  // The least lateness of two spans of frames that follow each other.
  int frames_ = 0, arrivals_ = 0;
  GstClockTimeDiff least_now_ = G_MAXINT64, least_before_ = G_MAXINT64;
};

}  // namespace reenact
