// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <optional>

namespace reenact {

/// The event that reenactgenerator sends upstream when it begins with a frame: reenactcrop learns from it how
/// many of its frames still wait.
GstEvent* new_begun_event(GstClockTime running_time);
/// The running time in such an event; GST_CLOCK_TIME_NONE for other events.
GstClockTime parse_begun_event(GstEvent* event);

/// What reenactcompositor says upstream of each picture of a live stream when it leaves.
struct DrawnPicture {
  GstClockTime running_time = GST_CLOCK_TIME_NONE;
  GstClockTime late = 0;  ///< by how much more than promised
};
GstEvent* new_drawn_event(const DrawnPicture& picture);
/// What such an event says; nothing for other events.
std::optional<DrawnPicture> parse_drawn_event(GstEvent* event);

}  // namespace reenact
