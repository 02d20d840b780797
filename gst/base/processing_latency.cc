// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/processing_latency.h"

#include <algorithm>

namespace reenact {

void ProcessingLatency::measured(GstElement* element, GstClockTime elapsed) {
  if (warm_up_ > 0) {
    --warm_up_;
    return;
  }
  window_[count_++] = elapsed;
  if (count_ < window_.size()) return;
  count_ = 0;
  const auto ninth_tenth = window_.begin() + window_.size() * 9 / 10 - 1;
  std::nth_element(window_.begin(), ninth_tenth, window_.end());

  const GstClockTime needed = *ninth_tenth, reported = reported_;
  const GstClockTime wanted = (needed + needed / 4 + GST_MSECOND - 1) / GST_MSECOND * GST_MSECOND;
  const bool too_little = needed > reported;
  const bool far_too_much = reported > 2 * wanted + GST_MSECOND;
  if (!too_little && !far_too_much) return;
  reported_ = wanted;
  if (live_) gst_element_post_message(element, gst_message_new_latency(GST_OBJECT(element)));
}

void ProcessingLatency::add_to(GstQuery* query) {
  gboolean live = FALSE;
  GstClockTime minimum = 0, maximum = GST_CLOCK_TIME_NONE;
  gst_query_parse_latency(query, &live, &minimum, &maximum);
  live_ = live;
  const GstClockTime own = reported_;
  minimum += own;
  if (GST_CLOCK_TIME_IS_VALID(maximum)) maximum += own;
  gst_query_set_latency(query, live, minimum, maximum);
}

void ProcessingLatency::reset() {
  warm_up_ = warm_up_frames;
  count_ = 0;
  reported_ = 0;
  live_ = false;
}

}  // namespace reenact
