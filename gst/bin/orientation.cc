// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/orientation.h"

#include <gst/video/video.h>

#include "base/glib.h"
#include "base/time_segment.h"

namespace reenact {
namespace {

/// Tells what follows a videoflip that turned the pictures that they are upright; later GStreamers than 1.22
/// do so themselves.
GstPadProbeReturn say_upright(GstPad* pad, GstPadProbeInfo* info, gpointer) {
  GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) != GST_EVENT_TAG) return GST_PAD_PROBE_OK;
  GstTagList* tags = nullptr;
  gst_event_parse_tag(event, &tags);
  const Owned<GstElement> flip(gst_pad_get_parent_element(pad));
  GstVideoOrientationMethod direction = GST_VIDEO_ORIENTATION_IDENTITY;
  if (flip) g_object_get(flip.get(), "video-direction", &direction, nullptr);
  if (direction != GST_VIDEO_ORIENTATION_AUTO || !gst_tag_list_get_tag_size(tags, GST_TAG_IMAGE_ORIENTATION))
    return GST_PAD_PROBE_OK;
  GstTagList* upright = gst_tag_list_copy(tags);
  gst_tag_list_add(upright, GST_TAG_MERGE_REPLACE, GST_TAG_IMAGE_ORIENTATION, "rotate-0", nullptr);
  GstEvent* changed = gst_event_new_tag(upright);
  gst_event_set_seqnum(changed, gst_event_get_seqnum(event));
  gst_event_unref(event);
  GST_PAD_PROBE_INFO_DATA(info) = changed;
  return GST_PAD_PROBE_OK;
}

/// Before the stock children see a segment that is not of time.
GstPadProbeReturn want_segment_of_time(GstPad*, GstPadProbeInfo* info, gpointer bin) {
  GST_PAD_PROBE_INFO_DATA(info) = with_segment_of_time(GST_ELEMENT(bin), GST_PAD_PROBE_INFO_EVENT(info));
  return GST_PAD_PROBE_OK;
}

constexpr char told_key[] = "reenact-turned-by-tag";

/// Whether pictures have to be turned: as the tag says, or always where the child was set to a direction of its own.
bool has_to_turn(GstPad* ghost, GstElement* flip) {
  GstVideoOrientationMethod direction = GST_VIDEO_ORIENTATION_IDENTITY;
  g_object_get(flip, "video-direction", &direction, nullptr);
  if (direction == GST_VIDEO_ORIENTATION_AUTO) return g_object_get_data(G_OBJECT(ghost), told_key) != nullptr;
  return direction != GST_VIDEO_ORIENTATION_IDENTITY;
}

void insert(GstPad* ghost, const Orientation& orientation) {
  const Owned<GstPad> src(gst_element_get_static_pad(orientation.flip, "src"));
  if (gst_pad_is_linked(src.get())) return;
  const Owned<GstPad> target(gst_ghost_pad_get_target(GST_GHOST_PAD(ghost)));
  const Owned<GstPad> sink(gst_element_get_static_pad(orientation.input, "sink"));
  gst_ghost_pad_set_target(GST_GHOST_PAD(ghost), sink.get());
  gst_pad_link(src.get(), target.get());
}

GstPadProbeReturn turn_when_told(GstPad* ghost, GstPadProbeInfo* info, gpointer data) {
  const auto& orientation = *static_cast<const Orientation*>(data);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
    GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) != GST_EVENT_TAG) return GST_PAD_PROBE_OK;
    GstTagList* tags = nullptr;
    gst_event_parse_tag(event, &tags);
    const gchar* told = nullptr;
    if (gst_tag_list_peek_string_index(tags, GST_TAG_IMAGE_ORIENTATION, 0, &told))
      g_object_set_data(G_OBJECT(ghost), told_key, GINT_TO_POINTER(!g_str_equal(told, "rotate-0")));
  } else if (orientation && has_to_turn(ghost, orientation.flip)) {
    insert(ghost, orientation);
  }
  return GST_PAD_PROBE_OK;
}

}  // namespace

void watch_orientation(GstBin* bin, GstPad* ghost, const Orientation* orientation) {
  const Owned<GstPad> sink(gst_element_get_static_pad(orientation->input, "sink"));
  gst_pad_add_probe(sink.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, want_segment_of_time, bin, nullptr);
  gst_util_set_object_arg(G_OBJECT(orientation->flip), "video-direction", "auto");
  // What is too late is for the crop and the compositor to judge.
  for (GstElement* element : {orientation->input, orientation->flip})
    g_object_set(element, "qos", FALSE, nullptr);
  const Owned<GstPad> src(gst_element_get_static_pad(orientation->flip, "src"));
  gst_pad_add_probe(src.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, say_upright, nullptr, nullptr);
  gst_element_link(orientation->input, orientation->flip);
  gst_pad_add_probe(ghost,
                    GstPadProbeType(GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_BUFFER |
                                    GST_PAD_PROBE_TYPE_BUFFER_LIST),
                    turn_when_told, const_cast<Orientation*>(orientation), nullptr);
}

GstPad* bypass_orientation(GstPad* ghost, const Orientation& orientation) {
  const Owned<GstPad> src(gst_element_get_static_pad(orientation.flip, "src"));
  GstPad* target = gst_pad_get_peer(src.get());
  if (!target) return gst_ghost_pad_get_target(GST_GHOST_PAD(ghost));
  gst_pad_unlink(src.get(), target);
  gst_ghost_pad_set_target(GST_GHOST_PAD(ghost), target);
  return target;
}

void forget_orientation(GstPad* ghost, const Orientation& orientation) {
  g_object_set_data(G_OBJECT(ghost), told_key, nullptr);
  const Owned<GstPad> target(bypass_orientation(ghost, orientation));
}

}  // namespace reenact
