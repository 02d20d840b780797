// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-reenactcompositor
 * @title: reenactcompositor
 *
 * Lays heads over a background where the driver's head was; the driver's own face is never shown but with
 * background=driver.
 *
 *     gst-launch-1.0 v4l2src ! videoconvert ! reenactcrop ! reenactpose \
 *         ! reenactidentity identity-file=NAME.safetensors ! reenactgenerator \
 *         ! reenactcompositor background=color ! videoconvert ! autovideosink
 *
 * Since: 0.1
 */
#include <algorithm>
#include <memory>
#include <opencv2/core.hpp>
#include <utility>

#include "base/element_description.h"
#include "base/element_error.h"
#include "base/settings.h"
#include "base/time_segment.h"
#include "compositor/element.h"
#include "compositor/output.h"
#include "elements.h"
#include "reenact/error.h"
#include "stream/face_meta.h"
#include "stream/identity_event.h"
#include "stream/progress_event.h"
#include "stream/video_frame.h"

GST_DEBUG_CATEGORY(reenact_compositor_debug);  // of the background pad, too
#define GST_CAT_DEFAULT reenact_compositor_debug

namespace reenact {
namespace {

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                                                             GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("RGBA")));
GstStaticPadTemplate background_template = GST_STATIC_PAD_TEMPLATE(
    "background", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL)));
GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL)));
GstStaticPadTemplate key_template = GST_STATIC_PAD_TEMPLATE(
    "key", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(REENACT_KEY_FORMATS)));

}  // namespace

GST_ELEMENT_REGISTER_DEFINE(reenactcompositor, "reenactcompositor", GST_RANK_NONE,
                            reenact_compositor_get_type())
G_DEFINE_TYPE(ReenactCompositor, reenact_compositor, GST_TYPE_AGGREGATOR)

namespace {

ReenactCompositor* self_of(gpointer object) {
  return reinterpret_cast<ReenactCompositor*>(object);
}

/// Reads the picture in the thread that sets the property, so that the stream never waits for the disk. False
/// when it cannot be read: the picture stays as it is.
bool load_image(ReenactCompositor* self, const GValue* file) {
  const char* path = g_value_get_string(file);
  try {
    self->p->painter.background().set_image(path ? path : "");
    GST_DEBUG_OBJECT(self, "Background image is %s", path ? path : "none");
    return true;
  } catch (const std::exception& error) {
    post_warning(GST_ELEMENT(self), error);
    return false;
  }
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  ReenactCompositor* self = self_of(object);
  ReenactCompositor::Private& p = *self->p;
  bool known = true, load_first = false, old_name = false;
  {
    const ObjectLock lock(object);
    load_first = p.started && g_str_equal(spec->name, "background-image");
    if (!load_first) known = compositor_properties.set(p.settings, id, value);
    old_name = p.settings.accept_old_names();
  }
  if (load_first && load_image(self, value)) {
    const ObjectLock lock(object);
    known = compositor_properties.set(p.settings, id, value);
  }
  if (old_name) GST_WARNING_OBJECT(object, "background=colour is called background=color now");
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  if (id == compositor_properties.end_id()) {
    const ReenactCompositor::Private& p = *self_of(object)->p;
    g_value_take_boxed(value, p.statistics.structure(p.latency.reported()));
    return;
  }
  bool known = false;
  {
    const ObjectLock lock(object);
    known = compositor_properties.get(self_of(object)->p->settings, id, value);
  }
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void notify(GObject* object, GParamSpec* spec) {
  if (!g_str_equal(spec->name, "background")) return;
  // Alpha comes and goes with background=transparent.
  gst_pad_mark_reconfigure(GST_AGGREGATOR_SRC_PAD(object));
  const ReenactCompositor::Private& p = *self_of(object)->p;
  bool image_missing = false;
  {
    const ObjectLock lock(object);
    image_missing =
        p.started && p.settings.background == BackgroundMode::image && !p.painter.background().has_image();
  }
  if (image_missing) {
    post_warning(
        GST_ELEMENT(object),
        Error(ErrorCode::invalid, "background=image shows background-color until background-image is set"));
  }
}

CompositorSettings settings_of(ReenactCompositor* self) {
  return copy_of(self, self->p->settings);
}

void forget_stream(ReenactCompositor* self) {
  ReenactCompositor::Private& p = *self->p;
  {
    const ObjectLock lock(self);
    if (p.background_pad) background_pad_forget(p.background_pad);
  }
  p.painter.background().set_pad_frame(nullptr, {});
  p.painter.forget_head();
}

gboolean start(GstAggregator* aggregator) {
  ReenactCompositor::Private& p = *self_of(aggregator)->p;
  return guarded(GST_ELEMENT(aggregator), gboolean(FALSE), [&]() -> gboolean {
    // Another image may be named meanwhile.
    for (;;) {
      const CompositorSettings settings = settings_of(self_of(aggregator));
      if (settings.background_image.empty() && settings.background == BackgroundMode::image)
        throw Error(ErrorCode::invalid, "background=image is set and background-image is not");
      p.painter.background().set_image(settings.background_image);
      const ObjectLock lock(aggregator);
      if (p.settings.background_image != settings.background_image) continue;
      p.started = true;
      return TRUE;
    }
  });
}

gboolean stop(GstAggregator* aggregator) {
  ReenactCompositor::Private& p = *self_of(aggregator)->p;
  {
    const ObjectLock lock(aggregator);
    p.started = false;
  }
  forget_stream(self_of(aggregator));
  p.painter.reset();
  p.wanted = {};
  p.negotiated = false;
  p.latency.reset();
  p.statistics.reset();
  p.head_info = p.background_info = {};
  p.background_caps.reset();
  if (const auto key = key_pad_of(self_of(aggregator))) key->reset();
  gst_event_replace(&p.tags, nullptr);
  gst_event_replace(&p.identity, nullptr);
  return TRUE;
}

GstFlowReturn flush(GstAggregator* aggregator) {
  forget_stream(self_of(aggregator));
  return GST_FLOW_OK;
}

/// Live, a head waits for a background frame no longer than the latency allows; without a head nothing is
/// due.
GstClockTime get_next_time(GstAggregator* aggregator) {
  GstAggregatorPad* pad = self_of(aggregator)->p->head_pad;
  GstBuffer* head = gst_aggregator_pad_peek_buffer(pad);
  if (!head) return GST_CLOCK_TIME_NONE;
  const GstClockTime time = running_time_of(pad, head);
  gst_buffer_unref(head);
  return GST_CLOCK_TIME_IS_VALID(time) ? time : 0;
}

GstFlowReturn update_src_caps(GstAggregator* aggregator, GstCaps* downstream, GstCaps** result) {
  ReenactCompositor::Private& p = *self_of(aggregator)->p;
  GstBuffer* head = gst_aggregator_pad_peek_buffer(p.head_pad);
  if (head && gst_buffer_get_size(head) > 0)
    p.wanted = output_shape_for(head, p.head_info, p.background_caps.get());
  gst_clear_buffer(&head);
  if (p.wanted.width <= 0) return GST_AGGREGATOR_FLOW_NEED_DATA;

  Alpha alpha = Alpha::optional;
  if (settings_of(self_of(aggregator)).background == BackgroundMode::transparent)
    alpha = key_pad_of(self_of(aggregator)) ? Alpha::beside : Alpha::needed;
  *result = output_caps_for(p.wanted, p.head_info, alpha, downstream);
  return GST_FLOW_OK;
}

GstCaps* fixate_src_caps(GstAggregator* aggregator, GstCaps* caps) {
  return fixate_output_caps(caps, self_of(aggregator)->p->wanted);
}

gboolean negotiated_src_caps(GstAggregator* aggregator, GstCaps* caps) {
  ReenactCompositor::Private& p = *self_of(aggregator)->p;
  GST_DEBUG_OBJECT(aggregator, "Gives out %" GST_PTR_FORMAT, caps);
  p.painter.forget_head();
  return guarded(GST_ELEMENT(aggregator), gboolean(FALSE), [&]() -> gboolean {
    GstVideoInfo output;
    p.negotiated = gst_video_info_from_caps(&output, caps);
    if (!p.negotiated) return FALSE;
    p.painter.set_output(output);
    const MaskOptions mask = settings_of(self_of(aggregator)).mask;
    p.latency.begin_format(p.painter.rehearse(mask, p.head_info));
    return TRUE;
  });
}

gboolean decide_allocation(GstAggregator*, GstQuery* query) {
  return decide_video_pool(query);
}

gboolean propose_allocation(GstAggregator*, GstAggregatorPad*, GstQuery*, GstQuery* query) {
  gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  return TRUE;
}

gboolean take_caps(ReenactCompositor* self, GstAggregatorPad* pad, GstCaps* caps) {
  ReenactCompositor::Private& p = *self->p;
  GST_DEBUG_OBJECT(pad, "Takes %" GST_PTR_FORMAT, caps);
  if (pad == p.head_pad) return gst_video_info_from_caps(&p.head_info, caps);
  return guarded(GST_ELEMENT(self), gboolean(FALSE), [&]() -> gboolean {
    if (!gst_video_info_from_caps(&p.background_info, caps)) return FALSE;
    refuse_interlaced(p.background_info, "the background's video");
    p.background_caps.reset(gst_caps_ref(caps));
    return TRUE;
  });
}

/// Whether the stream has begun downstream.
bool has_begun(GstAggregator* aggregator) {
  const Owned<GstEvent> segment(gst_pad_get_sticky_event(aggregator->srcpad, GST_EVENT_SEGMENT, 0));
  return segment != nullptr;
}

gboolean sink_event(GstAggregator* aggregator, GstAggregatorPad* pad, GstEvent* event) {
  ReenactCompositor* self = self_of(aggregator);
  ReenactCompositor::Private& p = *self->p;
  const bool head = pad == p.head_pad;
  event = with_segment_of_time(GST_ELEMENT(self), event);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CAPS: {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event, &caps);
      const gboolean taken = take_caps(self, pad, caps);
      if (head && taken) gst_pad_mark_reconfigure(GST_AGGREGATOR_SRC_PAD(aggregator));
      gst_event_unref(event);
      return taken;
    }
    case GST_EVENT_SEGMENT:
      if (head) {
        const GstSegment* segment = nullptr;
        gst_event_parse_segment(event, &segment);
        gst_aggregator_update_segment(aggregator, segment);
      }
      break;
    case GST_EVENT_TAG:
      if (head) {
        gst_event_replace(&p.tags, event);
      }
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY: {
      std::shared_ptr<const Identity> identity;
      if (head && parse_identity_event(event, identity)) {
        GST_DEBUG_OBJECT(self, "From here on the head of %s", identity ? identity->name.c_str() : "nobody");
        p.painter.forget_head();
        if (!has_begun(aggregator)) {  // no event may leave before that
          gst_event_replace(&p.identity, event);
          gst_event_unref(event);
          return TRUE;
        }
      }
      break;
    }
    default:
      break;
  }
  return GST_AGGREGATOR_CLASS(reenact_compositor_parent_class)->sink_event(aggregator, pad, event);
}

/// The key is flushed with the fill: before it, so that a key that waits in its sink is let go of.
GstPadProbeReturn flush_key(GstPad*, GstPadProbeInfo* info, gpointer self) {
  if (const auto key = key_pad_of(self_of(self)))
    key->push_event(gst_event_ref(GST_PAD_PROBE_INFO_EVENT(info)));
  return GST_PAD_PROBE_OK;
}

/// Lets those upstream know that a picture leaves, in a live pipeline.
void tell_drawn(ReenactCompositor* self, const DrawnPicture& picture) {
  const GstClockTime latency = gst_aggregator_get_latency(GST_AGGREGATOR(self));
  if (GST_CLOCK_TIME_IS_VALID(latency) && GST_CLOCK_TIME_IS_VALID(picture.running_time))
    gst_pad_push_event(GST_PAD(self->p->head_pad), new_drawn_event(picture));
}

GstFlowReturn composite(ReenactCompositor* self, GstBuffer* head) {
  auto* aggregator = GST_AGGREGATOR(self);
  ReenactCompositor::Private& p = *self->p;
  auto& segment = GST_AGGREGATOR_PAD(aggregator->srcpad)->segment;
  const GstClockTime time = stream_time(segment, GST_BUFFER_PTS(head));
  if (GST_CLOCK_TIME_IS_VALID(time)) gst_object_sync_values(GST_OBJECT(self), time);
  const GstClockTime running_time = running_time_of(p.head_pad, head);
  const gint64 begin = g_get_monotonic_time();
  const CompositorSettings settings = settings_of(self);
  Owned<GstBuffer> out(new_video_buffer(aggregator, p.painter.output()));
  if (!out) return GST_FLOW_FLUSHING;
  gst_buffer_copy_into(out.get(), head,
                       GstBufferCopyFlags(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS), 0, gsize(-1));
  GST_BUFFER_FLAG_UNSET(out.get(), GST_BUFFER_FLAG_GAP);
  const HeadLayer layer = p.painter.draw(settings, p.head_info, head, out.get());
  copy_metas_to_output(head, out.get(), p.painter.output());
  GstFlowReturn key_flow = GST_FLOW_OK;
  if (const auto key = key_pad_of(self)) {
    key_flow = key->push(p.painter.key_of(layer), out.get(), p.painter.output());
    // One that was released meanwhile refuses what comes, and the fill goes on.
    if (key_pad_of(self) != key) key_flow = GST_FLOW_OK;
  }
  const GstClockTime elapsed = GstClockTime(g_get_monotonic_time() - begin) * GST_USECOND;
  GST_LOG_OBJECT(self, "Head of %" GST_TIME_FORMAT " took %.2f ms", GST_TIME_ARGS(GST_BUFFER_PTS(head)),
                 double(elapsed) / GST_MSECOND);
  p.statistics.frame_done(elapsed);
  tell_drawn(self, {running_time, p.latency.picture_leaves(running_time, begin, elapsed)});
  if (GST_BUFFER_PTS_IS_VALID(head)) {
    segment.position =
        GST_BUFFER_PTS(head) + (GST_BUFFER_DURATION_IS_VALID(head) ? GST_BUFFER_DURATION(head) : 0);
  }
  gst_aggregator_selected_samples(aggregator, GST_BUFFER_PTS(head), GST_BUFFER_DTS(head),
                                  GST_BUFFER_DURATION(head), nullptr);
  const GstFlowReturn flow = gst_aggregator_finish_buffer(aggregator, out.release());
  p.latency.passed_on();
  for (GstEvent** event : {&p.identity, &p.tags})
    if (*event) gst_pad_push_event(aggregator->srcpad, std::exchange(*event, nullptr));
  return flow == GST_FLOW_OK ? key_flow : flow;
}

GstFlowReturn aggregate_head(ReenactCompositor* self, GstBuffer* head, bool timeout) {
  auto* aggregator = GST_AGGREGATOR(self);
  ReenactCompositor::Private& p = *self->p;
  const GstClockTime time = running_time_of(p.head_pad, head);
  Owned<ReenactBackgroundPad> background;
  {
    const ObjectLock lock(self);
    if (p.background_pad)
      background.reset(static_cast<ReenactBackgroundPad*>(gst_object_ref(p.background_pad)));
  }
  if (background) {
    const bool complete = background_pad_advance(background.get(), time, timeout, [&p](GstBuffer* frame) {
      p.painter.background().set_pad_frame(frame, p.background_info);
    });
    if (!complete || timeout) p.latency.wait_for_background();
    if (!complete) {
      GST_DEBUG_OBJECT(self, "The head of running time %" GST_TIME_FORMAT " waits for its background",
                       GST_TIME_ARGS(time));
      return GST_AGGREGATOR_FLOW_NEED_DATA;
    }
    if (timeout) {
      GST_DEBUG_OBJECT(self,
                       "The head of running time %" GST_TIME_FORMAT " waits for its background no longer",
                       GST_TIME_ARGS(time));
    }
  } else {
    p.painter.background().set_pad_frame(nullptr, {});  // the pad may have been released
  }
  if (gst_buffer_get_size(head) == 0) {  // made of a gap event: nothing comes out for this time
    if (has_begun(aggregator) && p.negotiated && GST_BUFFER_PTS_IS_VALID(head)) {
      GstEvent* gap = gst_event_new_gap(GST_BUFFER_PTS(head), GST_BUFFER_DURATION(head));
      if (const auto key = key_pad_of(self)) key->push_event(gst_event_ref(gap));
      gst_pad_push_event(aggregator->srcpad, gap);
    }
    gst_aggregator_pad_drop_buffer(p.head_pad);
    return GST_FLOW_OK;
  }
  if ((!p.negotiated || output_shape_for(head, p.head_info, p.background_caps.get()) != p.wanted) &&
      !gst_aggregator_negotiate(aggregator)) {
    return GST_FLOW_NOT_NEGOTIATED;
  }
  gst_aggregator_pad_drop_buffer(p.head_pad);
  p.statistics.frame_came();
  return composite(self, head);
}

GstFlowReturn aggregate(GstAggregator* aggregator, gboolean timeout) {
  ReenactCompositor* self = self_of(aggregator);
  GstBuffer* head = gst_aggregator_pad_peek_buffer(self->p->head_pad);
  if (!head) {
    if (!gst_aggregator_pad_is_eos(self->p->head_pad)) return GST_AGGREGATOR_FLOW_NEED_DATA;
    if (const auto key = key_pad_of(self)) key->push_event(gst_event_new_eos());
    return GST_FLOW_EOS;
  }
  const GstFlowReturn flow =
      guarded(GST_ELEMENT(self), GST_FLOW_ERROR, [&] { return aggregate_head(self, head, timeout); });
  gst_buffer_unref(head);
  return flow;
}

GstAggregatorPad* create_new_pad(GstAggregator* aggregator, GstPadTemplate* pad_template, const gchar*,
                                 const GstCaps*) {
  return new_background_pad(self_of(aggregator), pad_template);
}

GstPad* request_new_pad(GstElement* element, GstPadTemplate* pad_template, const gchar* name,
                        const GstCaps* caps) {
  if (pad_template->direction == GST_PAD_SRC) return new_key_pad(self_of(element), pad_template);
  return GST_ELEMENT_CLASS(reenact_compositor_parent_class)
      ->request_new_pad(element, pad_template, name, caps);
}

void release_pad(GstElement* element, GstPad* pad) {
  if (!release_pad_of(self_of(element), pad))
    GST_ELEMENT_CLASS(reenact_compositor_parent_class)->release_pad(element, pad);
}

void panic(ReenactCompositor* self) {
  g_object_set(self, "panic", TRUE, nullptr);
}

void install_signals(GObjectClass* object_class) {
  /**
   * ReenactCompositor::panic:
   *
   * Action: sets panic, which takes the head away with the next picture; set the property to FALSE to bring it back.
   */
  g_signal_new_class_handler("panic", G_OBJECT_CLASS_TYPE(object_class),
                             GSignalFlags(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION), G_CALLBACK(panic), nullptr,
                             nullptr, nullptr, G_TYPE_NONE, 0);
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_compositor_parent_class)->finalize(object);
}

}  // namespace

static void reenact_compositor_class_init(ReenactCompositorClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  auto* aggregator_class = GST_AGGREGATOR_CLASS(klass);
  GST_DEBUG_CATEGORY_INIT(reenact_compositor_debug, "reenactcompositor", 0, "Head compositor");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  object_class->notify = notify;
  compositor_properties.install(object_class);
  install_stats(object_class, compositor_properties.end_id());
  install_signals(object_class);
  describe_element(element_class, {"Head compositor", "Filter/Editor/Video/Compositor",
                                   "Lays generated heads over a background where the driver's head was"});
  gst_element_class_add_static_pad_template_with_gtype(element_class, &sink_template,
                                                       GST_TYPE_AGGREGATOR_PAD);
  gst_element_class_add_static_pad_template_with_gtype(element_class, &background_template,
                                                       reenact_background_pad_get_type());
  gst_element_class_add_static_pad_template_with_gtype(element_class, &src_template, GST_TYPE_AGGREGATOR_PAD);
  gst_element_class_add_static_pad_template(element_class, &key_template);
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  aggregator_class->start = start;
  aggregator_class->stop = stop;
  aggregator_class->flush = flush;
  aggregator_class->get_next_time = get_next_time;
  aggregator_class->update_src_caps = update_src_caps;
  aggregator_class->fixate_src_caps = fixate_src_caps;
  aggregator_class->negotiated_src_caps = negotiated_src_caps;
  aggregator_class->decide_allocation = decide_allocation;
  aggregator_class->propose_allocation = propose_allocation;
  aggregator_class->sink_event = sink_event;
  aggregator_class->aggregate = aggregate;
  aggregator_class->create_new_pad = create_new_pad;
}

static void reenact_compositor_init(ReenactCompositor* self) {
  self->p = new ReenactCompositor::Private(GST_AGGREGATOR(self));
  GstPadTemplate* pad_template = gst_static_pad_template_get(&sink_template);
  self->p->head_pad = GST_AGGREGATOR_PAD(g_object_new(GST_TYPE_AGGREGATOR_PAD, "name", "sink", "direction",
                                                      GST_PAD_SINK, "template", pad_template, nullptr));
  gst_object_unref(pad_template);
  gst_element_add_pad(GST_ELEMENT(self), GST_PAD(self->p->head_pad));
  gst_pad_add_probe(GST_AGGREGATOR_SRC_PAD(self), GST_PAD_PROBE_TYPE_EVENT_FLUSH, flush_key, self, nullptr);
}

}  // namespace reenact
