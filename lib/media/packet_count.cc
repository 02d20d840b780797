// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/packet_count.h"

#include <algorithm>

#include "media/gstreamer.h"

namespace reenact::media {
namespace {

/// Whether a packet may come out as a frame: those before an edit list's start are only decoded.
bool is_shown(GstPad* pad, GstBuffer* packet) {
  if (GST_BUFFER_FLAG_IS_SET(packet, GST_BUFFER_FLAG_DECODE_ONLY)) return false;
  GstEvent* event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
  if (!event) return true;
  const GstSegment* segment = nullptr;
  gst_event_parse_segment(event, &segment);
  const auto end =
      GST_BUFFER_PTS(packet) + (GST_BUFFER_DURATION_IS_VALID(packet) ? GST_BUFFER_DURATION(packet) : 0);
  const bool shown =
      segment->format != GST_FORMAT_TIME ||
      gst_segment_clip(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(packet), end, nullptr, nullptr);
  gst_event_unref(event);
  return shown;
}

}  // namespace

void PacketCount::watch(GstElement* decoder) {
  const Owned<GstPad> sink(gst_element_get_static_pad(decoder, "sink")),
      source(gst_element_get_static_pad(decoder, "src"));
  if (!sink || !source) return;
  gst_pad_add_probe(sink.get(), GST_PAD_PROBE_TYPE_BUFFER, packet_comes, this, nullptr);
  gst_pad_add_probe(source.get(), GST_PAD_PROBE_TYPE_BUFFER, frame_leaves, this, nullptr);
}

std::int64_t PacketCount::lost() const {
  const std::scoped_lock lock(mutex_);
  return std::ssize(waiting_) + std::max<std::int64_t>(0, without_time_ - frames_of_no_packet_);
}

GstPadProbeReturn PacketCount::packet_comes(GstPad* pad, GstPadProbeInfo* info, gpointer self) {
  auto* count = static_cast<PacketCount*>(self);
  GstBuffer* packet = GST_PAD_PROBE_INFO_BUFFER(info);
  const std::scoped_lock lock(count->mutex_);
  if (!GST_BUFFER_PTS_IS_VALID(packet))
    ++count->without_time_;
  else if (is_shown(pad, packet))
    count->waiting_.insert(GST_BUFFER_PTS(packet));
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn PacketCount::frame_leaves(GstPad*, GstPadProbeInfo* info, gpointer self) {
  auto* count = static_cast<PacketCount*>(self);
  const std::scoped_lock lock(count->mutex_);
  const auto packet = count->waiting_.find(GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info)));
  if (packet == count->waiting_.end())
    ++count->frames_of_no_packet_;
  else
    count->waiting_.erase(packet);
  return GST_PAD_PROBE_OK;
}

}  // namespace reenact::media
