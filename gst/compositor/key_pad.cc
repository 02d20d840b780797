// SPDX-License-Identifier: LGPL-2.1-or-later
#include "compositor/key_pad.h"

#include "compositor/output.h"
#include "reenact/error.h"

namespace reenact {
namespace {

GstAggregator* owner_of(GstObject* parent) {
  return GST_AGGREGATOR(parent);
}

/// Whoever takes the key asks and tells what whoever takes the fill does.
gboolean query(GstPad* pad, GstObject* parent, GstQuery* query) {
  switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_LATENCY:
    case GST_QUERY_POSITION:
    case GST_QUERY_DURATION:
    case GST_QUERY_SEEKING:
    case GST_QUERY_SEGMENT:
      return gst_pad_query(owner_of(parent)->srcpad, query);
    default:
      return gst_pad_query_default(pad, parent, query);
  }
}

gboolean event(GstPad*, GstObject* parent, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_RECONFIGURE || GST_EVENT_TYPE(event) == GST_EVENT_QOS) {
    gst_event_unref(event);  // quality is that of the fill
    return TRUE;
  }
  return gst_pad_send_event(owner_of(parent)->srcpad, event);
}

}  // namespace

KeyPad::KeyPad(GstAggregator* owner, GstPadTemplate* pad_template)
    : owner_(owner), pad_(GST_PAD(gst_object_ref_sink(gst_pad_new_from_template(pad_template, "key")))) {
  gst_pad_set_query_function(pad_.get(), query);
  gst_pad_set_event_function(pad_.get(), event);
  gst_pad_use_fixed_caps(pad_.get());
}

void KeyPad::begin_stream() {
  if (begun_) return;
  gchar* id = gst_pad_create_stream_id(pad_.get(), GST_ELEMENT(owner_), "key");
  GstEvent* start = gst_event_new_stream_start(id);
  g_free(id);
  const Owned<GstEvent> fills(gst_pad_get_sticky_event(owner_->srcpad, GST_EVENT_STREAM_START, 0));
  guint group = 0;
  if (fills && gst_event_parse_group_id(fills.get(), &group)) gst_event_set_group_id(start, group);
  gst_pad_push_event(pad_.get(), start);
  begun_ = true;
}

bool KeyPad::negotiate(const GstVideoInfo& fill_info) {
  const bool asked = gst_pad_check_reconfigure(pad_.get());
  if (!asked && space_ && gst_video_info_is_equal(&fill_info_, &fill_info)) return true;
  GstPadTemplate* pad_template = gst_pad_get_pad_template(pad_.get());
  Owned<GstCaps> wanted(gst_caps_make_writable(gst_pad_template_get_caps(pad_template)));
  gst_object_unref(pad_template);
  gst_caps_set_simple(wanted.get(), "width", G_TYPE_INT, GST_VIDEO_INFO_WIDTH(&fill_info), "height",
                      G_TYPE_INT, GST_VIDEO_INFO_HEIGHT(&fill_info), "framerate", GST_TYPE_FRACTION,
                      GST_VIDEO_INFO_FPS_N(&fill_info), GST_VIDEO_INFO_FPS_D(&fill_info),
                      "pixel-aspect-ratio", GST_TYPE_FRACTION, GST_VIDEO_INFO_PAR_N(&fill_info),
                      GST_VIDEO_INFO_PAR_D(&fill_info), "interlace-mode", G_TYPE_STRING, "progressive",
                      nullptr);
  Owned<GstCaps> common(gst_pad_peer_query_caps(pad_.get(), wanted.get()));
  common.reset(gst_caps_intersect_full(wanted.get(), common.get(), GST_CAPS_INTERSECT_FIRST));
  if (gst_caps_is_empty(common.get())) return false;
  const Owned<GstCaps> caps(gst_caps_fixate(common.release()));
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, caps.get())) return false;
  space_ = std::make_unique<PixelSpace>(info);
  info_ = info;
  fill_info_ = fill_info;
  return gst_pad_push_event(pad_.get(), gst_event_new_caps(caps.get()));
}

GstFlowReturn KeyPad::push(const cv::Mat& alpha, GstBuffer* fill, const GstVideoInfo& fill_info) {
  if (!gst_pad_is_linked(pad_.get())) return GST_FLOW_OK;
  begin_stream();
  if (!negotiate(fill_info)) {
    return GST_PAD_IS_FLUSHING(pad_.get()) ? GST_FLOW_FLUSHING : GST_FLOW_NOT_NEGOTIATED;
  }
  const GstSegment& segment = GST_AGGREGATOR_PAD(owner_->srcpad)->segment;
  GstSegment fills = segment;
  fills.position = segment_.position;
  if (!segment_sent_ || !gst_segment_is_equal(&fills, &segment_)) {
    segment_ = segment;
    segment_sent_ = gst_pad_push_event(pad_.get(), gst_event_new_segment(&segment));
  }
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info_), nullptr);
  {
    MappedFrame frame(info_, buffer, GST_MAP_WRITE);
    cv::Mat luma = space_->luma(alpha);
    space_->pack(luma, frame);
  }
  gst_buffer_copy_into(buffer, fill, GST_BUFFER_COPY_TIMESTAMPS, 0, gsize(-1));
  copy_timecodes(fill, buffer);
  const GstFlowReturn flow = gst_pad_push(pad_.get(), buffer);
  return flow == GST_FLOW_NOT_LINKED ? GST_FLOW_OK : flow;
}

void KeyPad::push_event(GstEvent* event) {
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_STOP:
      segment_sent_ = false;
      break;
    case GST_EVENT_EOS:
      begin_stream();  // a stream that ends has begun
      break;
    case GST_EVENT_GAP:
      if (!segment_sent_) {
        gst_event_unref(event);
        return;
      }
      break;
    default:
      break;
  }
  gst_pad_push_event(pad_.get(), event);
}

void KeyPad::reset() {
  begun_ = segment_sent_ = false;
  space_.reset();
}

}  // namespace reenact
