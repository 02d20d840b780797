// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/base/gstaggregator.h>
#include <gst/video/video.h>

#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <utility>

#include "base/element_error.h"
#include "compositor/background_pad.h"
#include "compositor/background_painter.h"
#include "compositor/output.h"
#include "compositor/settings.h"
#include "elements.h"
#include "reenact/compositor.h"
#include "reenact/error.h"
#include "stream/face_meta.h"
#include "stream/identity_event.h"
#include "stream/video_frame.h"

GST_DEBUG_CATEGORY_STATIC(reenact_compositor_debug);
#define GST_CAT_DEFAULT reenact_compositor_debug

namespace reenact {

/// reenactcompositor: RGBA heads laid over a background, at the size of the driver's frame.
struct ReenactCompositor {
  struct Private;
  GstAggregator parent;
  Private* p;
};
struct ReenactCompositorClass {
  GstAggregatorClass parent_class;
};

namespace {

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                                                             GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("RGBA")));
GstStaticPadTemplate background_template = GST_STATIC_PAD_TEMPLATE(
    "background", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL)));
GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("{ RGB, RGBA }")));

/// The size and shape of output that heads ask for.
struct OutputShape {
  int width = 0, height = 0;  // 0: no head came yet
  int par_n = 1, par_d = 1;
  bool operator==(const OutputShape&) const = default;
};

}  // namespace

struct ReenactCompositor::Private {
  // Under the object's lock.
  CompositorSettings settings;
  std::string image_file;
  bool started = false;
  ReenactBackgroundPad* background_pad = nullptr;

  GstAggregatorPad* head_pad = nullptr;
  BackgroundPainter painter;
  Compositor compositor;
  GstVideoInfo head_info{}, background_info{}, out_info{};
  OutputShape wanted;
  bool negotiated = false;
  GstEvent* tags = nullptr;  // to go out after the next picture, once caps and segment went

  ~Private() { gst_event_replace(&tags, nullptr); }
};

GST_ELEMENT_REGISTER_DEFINE(reenactcompositor, "reenactcompositor", GST_RANK_NONE,
                            reenact_compositor_get_type())
G_DEFINE_TYPE(ReenactCompositor, reenact_compositor, GST_TYPE_AGGREGATOR)

namespace {

ReenactCompositor* self_of(gpointer object) {
  return reinterpret_cast<ReenactCompositor*>(object);
}

/// Reads the picture in the thread that sets the property, so that the stream never waits for the disk.
void set_image_file(ReenactCompositor* self, const std::string& file) {
  ReenactCompositor::Private& p = *self->p;
  GST_OBJECT_LOCK(self);
  const bool started = p.started;
  if (!started) p.image_file = file;
  GST_OBJECT_UNLOCK(self);
  if (!started) return;
  try {
    if (file.empty()) {
      p.painter.clear_image();
    } else {
      p.painter.load_image(file);
    }
  } catch (const std::exception& error) {
    post_warning(GST_ELEMENT(self), error);
    return;
  }
  GST_OBJECT_LOCK(self);
  p.image_file = file;
  GST_OBJECT_UNLOCK(self);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  ReenactCompositor* self = self_of(object);
  if (id == CompositorSettings::background_image_property) {
    const char* file = g_value_get_string(value);
    set_image_file(self, file ? file : "");
    return;
  }
  GST_OBJECT_LOCK(object);
  const bool known = self->p->settings.set_property(id, value);
  const bool image_missing = self->p->started && self->p->settings.background == BackgroundMode::image &&
                             !self->p->painter.has_image();
  GST_OBJECT_UNLOCK(object);
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  if (id == CompositorSettings::background_property) {
    // Alpha comes and goes with background=transparent.
    gst_pad_mark_reconfigure(GST_AGGREGATOR_SRC_PAD(object));
    if (image_missing) {
      post_warning(
          GST_ELEMENT(object),
          Error(ErrorCode::invalid, "background=image shows background-color until background-image is set"));
    }
  }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const ReenactCompositor::Private& p = *self_of(object)->p;
  GST_OBJECT_LOCK(object);
  bool known = true;
  if (id == CompositorSettings::background_image_property) {
    g_value_set_string(value, p.image_file.empty() ? nullptr : p.image_file.c_str());
  } else {
    known = p.settings.get_property(id, value);
  }
  GST_OBJECT_UNLOCK(object);
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void forget_stream(ReenactCompositor* self) {
  ReenactCompositor::Private& p = *self->p;
  GST_OBJECT_LOCK(self);
  if (p.background_pad) background_pad_forget(p.background_pad);
  GST_OBJECT_UNLOCK(self);
  p.painter.set_pad_frame(nullptr);
  p.compositor.reset();
}

gboolean start(GstAggregator* aggregator) {
  ReenactCompositor::Private& p = *self_of(aggregator)->p;
  return guarded(GST_ELEMENT(aggregator), gboolean(FALSE), [&]() -> gboolean {
    GST_OBJECT_LOCK(aggregator);
    const std::string file = p.image_file;
    const BackgroundMode background = p.settings.background;
    GST_OBJECT_UNLOCK(aggregator);
    p.painter.clear_image();
    if (!file.empty()) {
      p.painter.load_image(file);
    } else if (background == BackgroundMode::image) {
      throw Error(ErrorCode::invalid, "background=image is set and background-image is not");
    }
    GST_OBJECT_LOCK(aggregator);
    p.started = true;
    GST_OBJECT_UNLOCK(aggregator);
    return TRUE;
  });
}

gboolean stop(GstAggregator* aggregator) {
  ReenactCompositor::Private& p = *self_of(aggregator)->p;
  GST_OBJECT_LOCK(aggregator);
  p.started = false;
  GST_OBJECT_UNLOCK(aggregator);
  forget_stream(self_of(aggregator));
  p.painter.reset();
  p.wanted = {};
  p.negotiated = false;
  p.head_info = p.background_info = {};
  gst_event_replace(&p.tags, nullptr);
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

OutputShape shape_for(const ReenactCompositor::Private& p, GstBuffer* head) {
  OutputShape shape;
  const FaceMeta* face = get_face_meta(head);
  GstVideoInfo frame_info;
  if (face && face->frame_width > 0 && face->frame_height > 0) {
    shape.width = face->frame_width;
    shape.height = face->frame_height;
    if (face->frame_caps && gst_video_info_from_caps(&frame_info, face->frame_caps)) {
      shape.par_n = GST_VIDEO_INFO_PAR_N(&frame_info);
      shape.par_d = GST_VIDEO_INFO_PAR_D(&frame_info);
    }
  } else if (GST_VIDEO_INFO_WIDTH(&p.background_info) > 0) {
    shape.width = GST_VIDEO_INFO_WIDTH(&p.background_info);
    shape.height = GST_VIDEO_INFO_HEIGHT(&p.background_info);
    shape.par_n = GST_VIDEO_INFO_PAR_N(&p.background_info);
    shape.par_d = GST_VIDEO_INFO_PAR_D(&p.background_info);
  } else {
    shape.width = GST_VIDEO_INFO_WIDTH(&p.head_info);
    shape.height = GST_VIDEO_INFO_HEIGHT(&p.head_info);
  }
  return shape;
}

GstFlowReturn update_src_caps(GstAggregator* aggregator, GstCaps* downstream, GstCaps** result) {
  ReenactCompositor::Private& p = *self_of(aggregator)->p;
  GstBuffer* head = gst_aggregator_pad_peek_buffer(p.head_pad);
  if (head && gst_buffer_get_size(head) > 0) p.wanted = shape_for(p, head);
  gst_clear_buffer(&head);
  if (p.wanted.width <= 0) return GST_AGGREGATOR_FLOW_NEED_DATA;

  GST_OBJECT_LOCK(aggregator);
  const bool transparent = p.settings.background == BackgroundMode::transparent;
  GST_OBJECT_UNLOCK(aggregator);
  GstCaps* wanted =
      gst_caps_from_string(transparent ? GST_VIDEO_CAPS_MAKE("RGBA") : GST_VIDEO_CAPS_MAKE("{ RGB, RGBA }"));
  gst_caps_set_simple(wanted, "framerate", GST_TYPE_FRACTION, GST_VIDEO_INFO_FPS_N(&p.head_info),
                      GST_VIDEO_INFO_FPS_D(&p.head_info), nullptr);
  GstCaps* any_shape = gst_caps_copy(wanted);
  gst_caps_set_simple(wanted, "width", G_TYPE_INT, p.wanted.width, "height", G_TYPE_INT, p.wanted.height,
                      "pixel-aspect-ratio", GST_TYPE_FRACTION, p.wanted.par_n, p.wanted.par_d, nullptr);
  *result = gst_caps_intersect_full(wanted, downstream, GST_CAPS_INTERSECT_FIRST);
  if (gst_caps_is_empty(*result)) {
    // Downstream insists on a shape of its own; the picture is stretched to it.
    gst_caps_unref(*result);
    *result = gst_caps_intersect_full(any_shape, downstream, GST_CAPS_INTERSECT_FIRST);
  }
  gst_caps_unref(wanted);
  gst_caps_unref(any_shape);
  return GST_FLOW_OK;
}

GstCaps* fixate_src_caps(GstAggregator* aggregator, GstCaps* caps) {
  const ReenactCompositor::Private& p = *self_of(aggregator)->p;
  caps = gst_caps_make_writable(gst_caps_truncate(caps));
  GstStructure* structure = gst_caps_get_structure(caps, 0);
  gst_structure_fixate_field_nearest_int(structure, "width", p.wanted.width);
  gst_structure_fixate_field_nearest_int(structure, "height", p.wanted.height);
  return gst_caps_fixate(caps);
}

gboolean negotiated_src_caps(GstAggregator* aggregator, GstCaps* caps) {
  ReenactCompositor::Private& p = *self_of(aggregator)->p;
  p.negotiated = gst_video_info_from_caps(&p.out_info, caps);
  p.compositor.reset();
  return p.negotiated;
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
  if (pad == p.head_pad) return gst_video_info_from_caps(&p.head_info, caps);
  return guarded(GST_ELEMENT(self), gboolean(FALSE), [&]() -> gboolean {
    if (!gst_video_info_from_caps(&p.background_info, caps)) return FALSE;
    p.painter.set_pad_format(p.background_info);
    return TRUE;
  });
}

gboolean sink_event(GstAggregator* aggregator, GstAggregatorPad* pad, GstEvent* event) {
  ReenactCompositor* self = self_of(aggregator);
  ReenactCompositor::Private& p = *self->p;
  const bool head = pad == p.head_pad;
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
      if (head && parse_identity_event(event, identity)) p.compositor.reset();
      break;
    }
    default:
      break;
  }
  return GST_AGGREGATOR_CLASS(reenact_compositor_parent_class)->sink_event(aggregator, pad, event);
}

void draw(ReenactCompositor::Private& p, const CompositorSettings& settings, GstBuffer* head,
          GstBuffer* out) {
  const FaceMeta* face = get_face_meta(head);
  MappedFrame target(p.out_info, out, GST_MAP_READWRITE);
  cv::Mat picture =
      target.mat(GST_VIDEO_INFO_FORMAT(&p.out_info) == GST_VIDEO_FORMAT_RGB ? CV_8UC3 : CV_8UC4);
  p.painter.paint(settings, face, picture);
  if (is_faceless(head)) {
    p.compositor.reset();
    return;
  }
  MappedFrame mapped_head(p.head_info, head, GST_MAP_READ);
  const cv::Mat rgba = mapped_head.mat(CV_8UC4);
  const cv::Rect place = settings.head_rectangle(
      rgba.size(), face ? face->crop : cv::Rect(),
      face ? cv::Size(face->frame_width, face->frame_height) : cv::Size(), picture.size());
  p.compositor.blend(rgba, place, settings.mask, picture);
}

GstFlowReturn composite(ReenactCompositor* self, GstBuffer* head) {
  auto* aggregator = GST_AGGREGATOR(self);
  ReenactCompositor::Private& p = *self->p;
  auto& segment = GST_AGGREGATOR_PAD(aggregator->srcpad)->segment;
  const GstClockTime stream_time =
      gst_segment_to_stream_time(&segment, GST_FORMAT_TIME, GST_BUFFER_PTS(head));
  if (GST_CLOCK_TIME_IS_VALID(stream_time)) gst_object_sync_values(GST_OBJECT(self), stream_time);
  GST_OBJECT_LOCK(self);
  const CompositorSettings settings = p.settings;
  GST_OBJECT_UNLOCK(self);

  std::unique_ptr<GstBuffer, decltype(&gst_buffer_unref)> out(new_video_buffer(aggregator, p.out_info),
                                                              gst_buffer_unref);
  if (!out) return GST_FLOW_FLUSHING;
  gst_buffer_copy_into(out.get(), head,
                       GstBufferCopyFlags(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS), 0, gsize(-1));
  GST_BUFFER_FLAG_UNSET(out.get(), GST_BUFFER_FLAG_GAP);
  draw(p, settings, head, out.get());
  copy_metas_to_output(head, out.get(), p.out_info);
  if (GST_BUFFER_PTS_IS_VALID(head)) {
    segment.position =
        GST_BUFFER_PTS(head) + (GST_BUFFER_DURATION_IS_VALID(head) ? GST_BUFFER_DURATION(head) : 0);
  }
  gst_aggregator_selected_samples(aggregator, GST_BUFFER_PTS(head), GST_BUFFER_DTS(head),
                                  GST_BUFFER_DURATION(head), nullptr);
  const GstFlowReturn flow = gst_aggregator_finish_buffer(aggregator, out.release());
  if (p.tags) gst_pad_push_event(aggregator->srcpad, std::exchange(p.tags, nullptr));
  return flow;
}

GstFlowReturn aggregate_head(ReenactCompositor* self, GstBuffer* head, bool timeout) {
  auto* aggregator = GST_AGGREGATOR(self);
  ReenactCompositor::Private& p = *self->p;
  const GstClockTime time = running_time_of(p.head_pad, head);
  GST_OBJECT_LOCK(self);
  auto* background =
      p.background_pad ? static_cast<ReenactBackgroundPad*>(gst_object_ref(p.background_pad)) : nullptr;
  GST_OBJECT_UNLOCK(self);
  if (background) {
    const bool complete = background_pad_advance(background, time, timeout,
                                                 [&p](GstBuffer* frame) { p.painter.set_pad_frame(frame); });
    gst_object_unref(background);
    if (!complete) return GST_AGGREGATOR_FLOW_NEED_DATA;
  } else {
    p.painter.set_pad_frame(nullptr);  // the pad may have been released
  }
  if (gst_buffer_get_size(head) == 0) {  // made of a gap event: nothing comes out for this time
    if (p.negotiated && GST_BUFFER_PTS_IS_VALID(head)) {
      gst_pad_push_event(aggregator->srcpad,
                         gst_event_new_gap(GST_BUFFER_PTS(head), GST_BUFFER_DURATION(head)));
    }
    gst_aggregator_pad_drop_buffer(p.head_pad);
    return GST_FLOW_OK;
  }
  if ((!p.negotiated || shape_for(p, head) != p.wanted) && !gst_aggregator_negotiate(aggregator)) {
    return GST_FLOW_NOT_NEGOTIATED;
  }
  gst_aggregator_pad_drop_buffer(p.head_pad);
  return composite(self, head);
}

GstFlowReturn aggregate(GstAggregator* aggregator, gboolean timeout) {
  ReenactCompositor* self = self_of(aggregator);
  GstBuffer* head = gst_aggregator_pad_peek_buffer(self->p->head_pad);
  if (!head)
    return gst_aggregator_pad_is_eos(self->p->head_pad) ? GST_FLOW_EOS : GST_AGGREGATOR_FLOW_NEED_DATA;
  const GstFlowReturn flow =
      guarded(GST_ELEMENT(self), GST_FLOW_ERROR, [&] { return aggregate_head(self, head, timeout); });
  gst_buffer_unref(head);
  return flow;
}

GstAggregatorPad* create_new_pad(GstAggregator* aggregator, GstPadTemplate* pad_template, const gchar*,
                                 const GstCaps*) {
  ReenactCompositor::Private& p = *self_of(aggregator)->p;
  GST_OBJECT_LOCK(aggregator);
  const bool taken = p.background_pad;
  GST_OBJECT_UNLOCK(aggregator);
  if (taken || pad_template->direction != GST_PAD_SINK || pad_template->presence != GST_PAD_REQUEST)
    return nullptr;
  auto* pad = static_cast<ReenactBackgroundPad*>(g_object_new(reenact_background_pad_get_type(), "name",
                                                              "background", "direction", GST_PAD_SINK,
                                                              "template", pad_template, nullptr));
  GST_OBJECT_LOCK(aggregator);
  p.background_pad = pad;
  GST_OBJECT_UNLOCK(aggregator);
  return GST_AGGREGATOR_PAD(pad);
}

void release_pad(GstElement* element, GstPad* pad) {
  ReenactCompositor::Private& p = *self_of(element)->p;
  GST_OBJECT_LOCK(element);
  if (GST_PAD(p.background_pad) == pad) p.background_pad = nullptr;
  GST_OBJECT_UNLOCK(element);
  GST_ELEMENT_CLASS(reenact_compositor_parent_class)->release_pad(element, pad);
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
  CompositorSettings::install(object_class);
  gst_element_class_set_static_metadata(element_class, "Head compositor", "Filter/Editor/Video/Compositor",
                                        "Lays generated heads over a background where the driver's head was",
                                        "The gst-reenact authors");
  gst_element_class_add_static_pad_template_with_gtype(element_class, &sink_template,
                                                       GST_TYPE_AGGREGATOR_PAD);
  gst_element_class_add_static_pad_template_with_gtype(element_class, &background_template,
                                                       reenact_background_pad_get_type());
  gst_element_class_add_static_pad_template_with_gtype(element_class, &src_template, GST_TYPE_AGGREGATOR_PAD);
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
  self->p = new ReenactCompositor::Private;
  GstPadTemplate* pad_template = gst_static_pad_template_get(&sink_template);
  self->p->head_pad = GST_AGGREGATOR_PAD(g_object_new(GST_TYPE_AGGREGATOR_PAD, "name", "sink", "direction",
                                                      GST_PAD_SINK, "template", pad_template, nullptr));
  gst_object_unref(pad_template);
  gst_element_add_pad(GST_ELEMENT(self), GST_PAD(self->p->head_pad));
}

}  // namespace reenact
