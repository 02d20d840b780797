// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>

namespace reenact {

/// The event that reenactgenerator sends upstream when it begins with a frame: reenactcrop learns from it how
/// many of its frames still wait.
GstEvent* new_begun_event(GstClockTime running_time);
/// The running time in such an event; GST_CLOCK_TIME_NONE for other events.
GstClockTime parse_begun_event(GstEvent* event);

/// Which frames of a live stream are left out where work on them would begin, so that what is worked on is fresh:
/// those that come much later than frames usually come, and those before which another one still waits for the
/// generator. Four a second are taken in any case. Times are running times.
class LoadShedding {
 public:
  /// Whether the frame of `time` is to be left out. `now` is the pipeline's, `upstream` the latency of everything before,
  /// `duration` that of a frame or GST_CLOCK_TIME_NONE. From the thread of the stream.
  bool too_late(GstClockTime time, GstClockTime now, GstClockTime upstream, GstClockTime duration);
  /// The frame of `time` is pushed downstream at `now`.
  void pushed(GstClockTime time, GstClockTime now);
  /// The generator begins with the frame of `time`; from any thread.
  void begun(GstClockTime time) { begun_ = time; }
  /// After a flush, and when the stream ends.
  void reset();

 private:
  GstClockTimeDiff usual_lateness(GstClockTimeDiff lateness);

  std::atomic<GstClockTime> begun_ = GST_CLOCK_TIME_NONE;
  GstClockTime pushed_ = GST_CLOCK_TIME_NONE, pushed_at_ = 0;
  GstClockTime before_ = GST_CLOCK_TIME_NONE;  // what was pushed before that
  // The least lateness of two spans of frames that follow each other.
  int frames_ = 0, arrivals_ = 0;
  GstClockTimeDiff least_now_ = G_MAXINT64, least_before_ = G_MAXINT64;
};

}  // namespace reenact
