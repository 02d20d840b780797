// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/decoded_streams.h"

#include <algorithm>
#include <string>

#include "media/gstreamer.h"

namespace reenact::media {
namespace {

bool is_picture_stream(GstPad* pad) {
  const auto decoder = element_behind(pad);
  const Owned<GstPad> sink(decoder ? gst_element_get_static_pad(decoder.get(), "sink") : nullptr);
  const Owned<GstCaps> caps(sink ? gst_pad_get_current_caps(sink.get()) : nullptr);
  return caps && g_str_has_prefix(gst_structure_get_name(gst_caps_get_structure(caps.get(), 0)), "image/");
}

}  // namespace

Owned<GstElement> element_behind(GstPad* pad) {
  const Owned<GstPad> target(GST_IS_GHOST_PAD(pad) ? gst_ghost_pad_get_target(GST_GHOST_PAD(pad)) : nullptr);
  return Owned<GstElement>(target ? gst_pad_get_parent_element(target.get()) : nullptr);
}

bool is_no_video(GstCaps* caps) {
  if (gst_caps_is_empty(caps) || gst_caps_is_any(caps)) return false;
  const std::string name = gst_structure_get_name(gst_caps_get_structure(caps, 0));
  for (const char* kind : {"audio/", "text/", "subpicture/", "application/x-subtitle", "closedcaption/"})
    if (name.starts_with(kind)) return true;
  return false;
}

bool gives_video(GstPad* pad) {
  const Owned<GstCaps> caps(gst_pad_query_caps(pad, nullptr));
  return caps && gst_caps_get_size(caps.get()) > 0 &&
         gst_structure_has_name(gst_caps_get_structure(caps.get(), 0), "video/x-raw");
}

std::vector<Owned<GstPad>>::const_iterator main_stream(const std::vector<Owned<GstPad>>& streams) {
  const auto moving = std::find_if(streams.begin(), streams.end(),
                                   [](const auto& pad) { return !is_picture_stream(pad.get()); });
  return moving != streams.end() ? moving : streams.begin();
}

void drain(GstPad* stream, GstBin* bin) {
  GstElement* sink = make_element("fakesink");
  g_object_set(sink, "sync", FALSE, "async", FALSE, nullptr);
  gst_bin_add(bin, sink);
  gst_element_sync_state_with_parent(sink);
  const Owned<GstPad> input(gst_element_get_static_pad(sink, "sink"));
  gst_pad_link(stream, input.get());
}

}  // namespace reenact::media
