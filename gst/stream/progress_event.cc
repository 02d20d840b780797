// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream/progress_event.h"

namespace reenact {
namespace {

constexpr const char* begun_name = "reenact-begun";
constexpr const char* drawn_name = "reenact-drawn";

bool is_event(GstEvent* event, const char* name) {
  return GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_UPSTREAM && gst_event_has_name(event, name);
}

}  // namespace

GstEvent* new_begun_event(GstClockTime running_time) {
  return gst_event_new_custom(
      GST_EVENT_CUSTOM_UPSTREAM,
      gst_structure_new(begun_name, "running-time", G_TYPE_UINT64, running_time, nullptr));
}

GstClockTime parse_begun_event(GstEvent* event) {
  guint64 time = GST_CLOCK_TIME_NONE;
  if (is_event(event, begun_name))
    gst_structure_get_uint64(gst_event_get_structure(event), "running-time", &time);
  return time;
}

GstEvent* new_drawn_event(const DrawnPicture& picture) {
  return gst_event_new_custom(
      GST_EVENT_CUSTOM_UPSTREAM,
      gst_structure_new(drawn_name, "running-time", G_TYPE_UINT64, picture.running_time, "late",
                        G_TYPE_UINT64, picture.late, nullptr));
}

std::optional<DrawnPicture> parse_drawn_event(GstEvent* event) {
  DrawnPicture picture;
  if (!is_event(event, drawn_name) ||
      !gst_structure_get(gst_event_get_structure(event), "running-time", G_TYPE_UINT64, &picture.running_time,
                         "late", G_TYPE_UINT64, &picture.late, nullptr))
    return {};
  return picture;
}

}  // namespace reenact
