// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace reenact {

/// `event`, or for a segment in another format than time, such as appsrc sends without format=time, one of time
/// from 0 in its place, with a warning of `element` on the bus. Takes a reference and gives one.
GstEvent* with_segment_of_time(GstElement* element, GstEvent* event);

/// The stream time of `pts` and its running time; GST_CLOCK_TIME_NONE where no segment of time came.
GstClockTime stream_time(const GstSegment& segment, GstClockTime pts);
GstClockTime running_time(const GstSegment& segment, GstClockTime pts);

}  // namespace reenact
