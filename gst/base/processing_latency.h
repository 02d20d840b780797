// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <array>
#include <atomic>

namespace reenact {

/// Tells a live pipeline how long an element works on a frame: what nine of ten frames need, and a quarter
/// more, in whole milliseconds. Nine of ten, so that the frames on which a detector runs count and a hiccup
/// of the machine does not. Changes by little are not reported, since each makes the whole pipeline compute
/// its latency anew.
class ProcessingLatency {
 public:
  /// One frame took `elapsed`. Posts a latency message on `element` when what is reported changes.
  void measured(GstElement* element, GstClockTime elapsed);
  /// Adds what is reported to an answered LATENCY query.
  void add_to(GstQuery* query);
  GstClockTime reported() const { return reported_; }
  void reset();

 private:
  static constexpr int warm_up_frames = 2;  // the first frames pay for allocations

  int warm_up_ = warm_up_frames;
  std::size_t count_ = 0;
  std::array<GstClockTime, 30> window_{};
  std::atomic<GstClockTime> reported_ = 0;
  std::atomic<bool> live_ = false;  // as the last query said
};

}  // namespace reenact
