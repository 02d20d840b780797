// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>

namespace reenact {

/// Time needed for a frame as the time to promise for it, whole milliseconds.
///
/// It is doubled: a core taken away by another program costs about that, and telling it late would make the whole
/// pipeline jump.
GstClockTime with_headroom(GstClockTime needed);

/// When a promise has to grow: once three of 300 frames break it, in small steps with pauses between them, until it would
/// have held for the least late of them.
class LatencyGrowth {
 public:
  /// It grows by so much at once. What several elements grow by before the pipeline asks again adds up, and the ear
  /// notices a jump of some milliseconds.
  explicit LatencyGrowth(GstClockTime largest_step = GST_MSECOND) : largest_step_(largest_step) {}
  /// A frame was `excess` later than promised, or earlier (below 0). Gives what the promise grows by; 0, mostly, and
  /// always where it `may_grow` not yet.
  GstClockTime frame(GstClockTimeDiff excess, bool may_grow = true);
  void reset() { *this = LatencyGrowth(largest_step_); }

 private:
  void count(GstClockTimeDiff excess);

  GstClockTime largest_step_;
  int frames_ = 0, late_ = 0;  // of the window
  bool began_ = false;
  GstClockTime least_excess_ = GST_CLOCK_TIME_NONE;  // of those
  GstClockTime pending_ = 0;                         // what is still to be grown
  GstClockTime grown_ = 0;
  gint64 grew_ = 0;  // when
};

/// What an element adds to the latency of a live pipeline.
///
/// It begins with what was rehearsed when the network was loaded and when the format was known, with headroom. While
/// frames flow it only grows, and only when they really take longer and leave later than was promised: a pipeline that keeps its
/// promise hears nothing. What frames wait between elements is seen at their end, by reenactcompositor; where there is
/// one, it alone grows.
class ProcessingLatency {
 public:
  /// The network needs `needed` for a frame.
  void expect_network(GstClockTime needed) { network_ = needed; }
  /// Frames of the format that comes now need `needed` on top. Posts a latency message when that is more than with
  /// the formats before.
  void expect_format(GstElement* element, GstClockTime needed);

  /// `element` worked for `elapsed` on the frame of `running_time`, which leaves it now. Posts a latency message when
  /// what is reported grows. From the thread of the stream.
  void measured(GstElement* element, GstClockTime running_time, GstClockTime elapsed);
  /// Adds what is reported to an answered LATENCY query.
  void add_to(GstQuery* query);
  /// Somebody downstream watches when frames leave: what is reported here grows no more. From any thread.
  void leave_growth() { left_growth_ = true; }
  /// Forgets the stream; what the network needs stays until it is expected anew.
  void reset();

  GstClockTime reported() const;
  /// Whether the last query said that the pipeline is live.
  bool live() const { return live_; }
  /// What everything before the element adds, as the last query said.
  GstClockTime upstream() const { return upstream_; }

 private:
  std::atomic<GstClockTime> network_ = 0, format_ = 0, grown_ = 0;
  std::atomic<GstClockTime> upstream_ = 0;
  std::atomic<bool> live_ = false, left_growth_ = false;
  std::atomic<bool> asked_ = false;  // since what is reported changed last
  LatencyGrowth growth_;
};

}  // namespace reenact
