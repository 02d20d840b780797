// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/time_segment.h"

namespace reenact {

GstEvent* with_segment_of_time(GstElement* element, GstEvent* event) {
  if (GST_EVENT_TYPE(event) != GST_EVENT_SEGMENT) return event;
  const GstSegment* found = nullptr;
  gst_event_parse_segment(event, &found);
  if (found->format == GST_FORMAT_TIME) return event;
  GST_ELEMENT_WARNING(element, STREAM, FORMAT,
                      ("buffers come in a segment of %s, wanted time (appsrc: format=time); their timestamps "
                       "are taken as they are",
                       gst_format_get_name(found->format)),
                      (nullptr));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  GstEvent* replaced = gst_event_new_segment(&segment);
  gst_event_set_seqnum(replaced, gst_event_get_seqnum(event));
  gst_event_unref(event);
  return replaced;
}

GstClockTime stream_time(const GstSegment& segment, GstClockTime pts) {
  // GStreamer takes it for a defect of the caller otherwise.
  return segment.format == GST_FORMAT_TIME ? gst_segment_to_stream_time(&segment, GST_FORMAT_TIME, pts)
                                           : GST_CLOCK_TIME_NONE;
}

GstClockTime running_time(const GstSegment& segment, GstClockTime pts) {
  return segment.format == GST_FORMAT_TIME ? gst_segment_to_running_time(&segment, GST_FORMAT_TIME, pts)
                                           : GST_CLOCK_TIME_NONE;
}

}  // namespace reenact
