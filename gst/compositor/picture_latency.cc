// SPDX-License-Identifier: LGPL-2.1-or-later
#include "compositor/picture_latency.h"

#include <algorithm>
#include <utility>

namespace reenact {
namespace {

// After the first picture; whoever plays the audio takes a moment to hear of it.
constexpr gint64 soonest = 90 * G_TIME_SPAN_MILLISECOND, latest = 160 * G_TIME_SPAN_MILLISECOND;

}  // namespace

void PictureLatency::report(GstClockTime latency) {
  if (latency <= reported_) return;
  reported_ = latency;
  gst_aggregator_set_latency(owner_, latency, latency);
}

void PictureLatency::begin_format(GstClockTime rehearsed) {
  pictures_of_format_ = 0;
  report(with_headroom(rehearsed));
}

GstClockTime PictureLatency::picture_leaves(GstClockTime running_time, gint64 began, GstClockTime elapsed) {
  constexpr int first = 2, last = 4;
  // What takes longer was a machine that stood still: nobody draws live at such a rate.
  constexpr GstClockTime longest = GST_SECOND / 4;
  if (++pictures_of_format_ >= first && pictures_of_format_ <= last)
    report(with_headroom(std::min(elapsed, longest)));
  constexpr gint64 at_once = 500;  // microseconds
  const bool held_up = passed_on_ - left_ > at_once && began - passed_on_ < at_once,
             begins = first_left_ == 0;
  left_ = began + gint64(elapsed / GST_USECOND);
  if (begins) first_left_ = left_;
  if (std::exchange(waited_for_background_, false) || held_up || begins) return 0;
  const GstClockTime promised = gst_aggregator_get_latency(owner_),
                     now = gst_element_get_current_running_time(GST_ELEMENT(owner_));
  if (!GST_CLOCK_TIME_IS_VALID(promised) || !GST_CLOCK_TIME_IS_VALID(now) ||
      !GST_CLOCK_TIME_IS_VALID(running_time))
    return 0;
  const GstClockTimeDiff excess = GST_CLOCK_DIFF(running_time + promised, now);
  begin_right(excess, began);
  if (pictures_of_format_ > last) {
    if (const GstClockTime step = growth_.frame(excess); step > 0) report(reported_ + step);
  }
  return GstClockTime(std::max<GstClockTimeDiff>(0, excess));
}

void PictureLatency::begin_right(GstClockTimeDiff excess, gint64 now) {
  if (begun_) return;
  if (pictures_at_first_++ == 0) first_excess_ = excess;
  least_excess_ = std::min(least_excess_, excess);
  if (pictures_at_first_ < 2 || now - first_left_ < soonest) return;
  begun_ = true;
  // The first pictures wait for what is allocated and negotiated once. Who works that off becomes less late.
  if (now - first_left_ < latest && least_excess_ > 0 && excess >= first_excess_)
    report(reported_ + GstClockTime(least_excess_));
}

void PictureLatency::passed_on() {
  passed_on_ = g_get_monotonic_time();
}

void PictureLatency::reset() {
  growth_.reset();
  reported_ = 0;
  first_left_ = 0;
  pictures_at_first_ = 0;
  begun_ = false;
  least_excess_ = first_excess_ = G_MAXINT64;
  gst_aggregator_set_latency(owner_, 0, 0);
}

}  // namespace reenact
