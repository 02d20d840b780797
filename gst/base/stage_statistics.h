// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <array>
#include <mutex>

namespace reenact {

/// What an element's property `stats` tells of the frames since it started.
class StageStatistics {
 public:
  void frame_came();
  /// A frame was worked on for `elapsed`.
  void frame_done(GstClockTime elapsed);
  /// A frame came too late and was left out.
  void frame_dropped();
  void reset();

  guint64 done() const;
  guint64 dropped() const;

  /// Structure "reenact-stats": frames-in, frames-drawn, frames-dropped (guint64), mean-ms and longest-ms of the last
  /// 128 frames (double), latency (guint64, `latency` in nanoseconds); a new one.
  GstStructure* structure(GstClockTime latency) const;

 private:
  mutable std::mutex mutex_;
  guint64 came_ = 0, done_ = 0, dropped_ = 0;
  std::array<GstClockTime, 128> times_{};
};

/// The property `stats`, a structure as above.
void install_stats(
    GObjectClass* object_class, guint id,
    const char* blurb = "Frames in, drawn and dropped, milliseconds a frame, and the latency reported");

}  // namespace reenact
