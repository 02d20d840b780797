// SPDX-License-Identifier: LGPL-2.1-or-later
#include "compositor/picture_latency.h"

#include <utility>

namespace reenact {

void PictureLatency::report(GstClockTime latency) {
  if (latency <= reported_) return;
  reported_ = latency;
  gst_aggregator_set_latency(owner_, latency, latency);
}

void PictureLatency::begin_format(GstClockTime rehearsed) {
  pictures_of_format_ = 0;
  report(with_headroom(rehearsed));
}

void PictureLatency::picture_leaves(GstClockTime running_time, gint64 began, GstClockTime elapsed) {
  constexpr int first = 2, last = 4;
  if (++pictures_of_format_ <= last) {
    if (pictures_of_format_ >= first) report(with_headroom(elapsed));
    return;
  }
  constexpr gint64 at_once = 500;  // microseconds
  const bool held_up = began - passed_on_ < at_once;
  if (std::exchange(waited_for_background_, false) || held_up) return;
  const GstClockTime promised = gst_aggregator_get_latency(owner_),
                     now = gst_element_get_current_running_time(GST_ELEMENT(owner_));
  if (!GST_CLOCK_TIME_IS_VALID(promised) || !GST_CLOCK_TIME_IS_VALID(now) ||
      !GST_CLOCK_TIME_IS_VALID(running_time))
    return;
  if (const GstClockTime step = growth_.frame(GST_CLOCK_DIFF(running_time + promised, now)); step > 0)
    report(reported_ + step);
}

void PictureLatency::reset() {
  growth_.reset();
  reported_ = 0;
  gst_aggregator_set_latency(owner_, 0, 0);
}

}  // namespace reenact
