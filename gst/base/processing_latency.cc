// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/processing_latency.h"

#include <algorithm>

namespace reenact {
namespace {

constexpr int window = 300, may_be_late = 2;  // frames
constexpr int start_up_frames = 15;           // pay for negotiation and allocations all along the pipeline
constexpr gint64 least_pause = 200 * G_TIME_SPAN_MILLISECOND;
constexpr GstClockTime most_grown = 200 * GST_MSECOND;

}  // namespace

GstClockTime with_headroom(GstClockTime needed) {
  return (2 * needed + GST_MSECOND - 1) / GST_MSECOND * GST_MSECOND;
}

GstClockTime LatencyGrowth::frame(GstClockTimeDiff excess, bool may_grow) {
  ++frames_;
  if (!began_) {
    began_ = frames_ >= start_up_frames;
    return 0;
  }
  if (pending_ == 0) count(excess);
  if (pending_ == 0 || !may_grow || grown_ >= most_grown || g_get_monotonic_time() - grew_ < least_pause)
    return 0;
  const GstClockTime step = std::min(largest_step_, pending_);
  pending_ -= step;
  grown_ += step;
  grew_ = g_get_monotonic_time();
  return step;
}

void LatencyGrowth::count(GstClockTimeDiff excess) {
  if (excess > 0) {
    ++late_;
    least_excess_ = std::min(least_excess_, GstClockTime(excess));
  }
  // A hiccup of the machine makes a few late. With what the least late of too many needs, it would have been a few.
  if (late_ > may_be_late) pending_ = least_excess_;
  if (pending_ == 0 && frames_ < window) return;
  frames_ = late_ = 0;
  least_excess_ = GST_CLOCK_TIME_NONE;
}

GstClockTime ProcessingLatency::reported() const {
  return with_headroom(network_ + format_) + grown_;
}

void ProcessingLatency::expect_format(GstElement* element, GstClockTime needed) {
  // The sum of both is what is promised; a smaller format leaves room that nobody minds.
  if (needed <= format_) return;
  const GstClockTime before = reported();
  format_ = needed;
  if (live_ && reported() != before)
    gst_element_post_message(element, gst_message_new_latency(GST_OBJECT(element)));
}

void ProcessingLatency::measured(GstElement* element, GstClockTime running_time, GstClockTime elapsed) {
  const GstClockTime now = gst_element_get_current_running_time(element), own = reported();
  if (!live_ || left_growth_ || !GST_CLOCK_TIME_IS_VALID(running_time) || !GST_CLOCK_TIME_IS_VALID(now))
    return;
  // Who took longer may use what others before it left over.
  const GstClockTimeDiff longer = GST_CLOCK_DIFF(own, elapsed),
                         later = GST_CLOCK_DIFF(running_time + upstream_ + own, now);
  const GstClockTime step = growth_.frame(std::min(longer, later), asked_);
  if (step == 0) return;
  grown_ += step;
  asked_ = false;
  gst_element_post_message(element, gst_message_new_latency(GST_OBJECT(element)));
}

void ProcessingLatency::add_to(GstQuery* query) {
  gboolean live = FALSE;
  GstClockTime minimum = 0, maximum = GST_CLOCK_TIME_NONE;
  gst_query_parse_latency(query, &live, &minimum, &maximum);
  live_ = live;
  upstream_ = minimum;
  asked_ = true;
  const GstClockTime own = reported();
  minimum += own;
  if (GST_CLOCK_TIME_IS_VALID(maximum)) maximum += own;
  gst_query_set_latency(query, live, minimum, maximum);
}

void ProcessingLatency::reset() {
  grown_ = upstream_ = format_ = 0;
  live_ = asked_ = left_growth_ = false;
  growth_.reset();
}

}  // namespace reenact
