// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/stream_colors.h"

#include "media/owned.h"

namespace reenact::media {
namespace {

constexpr const char *field = "colorimetry", *kept = "reenact-colors-of-container";

/// Caps of an event, writable, to be given out in an event of their own; null for other events.
GstCaps* copied_caps(GstPadProbeInfo* info) {
  GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS) return nullptr;
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  return caps && gst_caps_get_size(caps) == 1 ? gst_caps_copy(caps) : nullptr;
}

/// Takes the caps over.
void replace_caps(GstPadProbeInfo* info, GstCaps* caps) {
  GstEvent* event = gst_event_new_caps(caps);
  gst_caps_unref(caps);
  gst_event_set_seqnum(event, gst_event_get_seqnum(GST_PAD_PROBE_INFO_EVENT(info)));
  gst_event_unref(GST_PAD_PROBE_INFO_EVENT(info));
  GST_PAD_PROBE_INFO_DATA(info) = event;
}

GstPadProbeReturn keep_from_parser(GstPad* pad, GstPadProbeInfo* info, gpointer) {
  GstCaps* caps = copied_caps(info);
  if (!caps) return GST_PAD_PROBE_OK;
  GstStructure* structure = gst_caps_get_structure(caps, 0);
  const Owned<GstElement> parser(gst_pad_get_parent_element(pad));
  if (parser)
    g_object_set_data_full(G_OBJECT(parser.get()), kept, g_strdup(gst_structure_get_string(structure, field)),
                           g_free);
  gst_structure_remove_field(structure, field);
  replace_caps(info, caps);
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn add_where_silent(GstPad* pad, GstPadProbeInfo* info, gpointer) {
  GstCaps* caps = copied_caps(info);
  if (!caps) return GST_PAD_PROBE_OK;
  GstStructure* structure = gst_caps_get_structure(caps, 0);
  const Owned<GstElement> parser(gst_pad_get_parent_element(pad));
  const auto* colors =
      static_cast<const gchar*>(parser ? g_object_get_data(G_OBJECT(parser.get()), kept) : nullptr);
  if (!colors || gst_structure_has_field(structure, field)) {
    gst_caps_unref(caps);
    return GST_PAD_PROBE_OK;
  }
  gst_structure_set(structure, field, G_TYPE_STRING, colors, nullptr);
  replace_caps(info, caps);
  return GST_PAD_PROBE_OK;
}

}  // namespace

void prefer_colors_of_stream(GstElement* parser) {
  GstElementFactory* factory = gst_element_get_factory(parser);
  if (!factory || !gst_element_factory_list_is_type(
                      factory, GST_ELEMENT_FACTORY_TYPE_PARSER | GST_ELEMENT_FACTORY_TYPE_MEDIA_VIDEO))
    return;
  const Owned<GstPad> sink(gst_element_get_static_pad(parser, "sink")),
      source(gst_element_get_static_pad(parser, "src"));
  if (!sink || !source) return;
  gst_pad_add_probe(sink.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, keep_from_parser, nullptr, nullptr);
  gst_pad_add_probe(source.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, add_where_silent, nullptr, nullptr);
}

}  // namespace reenact::media
