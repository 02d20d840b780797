// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/network_filter.h"

#include <gst/base/gstbasesrc.h>

#include "base/element_error.h"
#include "base/engine_settings.h"
#include "base/glib.h"
#include "base/processing_latency.h"
#include "base/rehearsal.h"
#include "base/settings.h"
#include "base/stage_statistics.h"
#include "base/time_segment.h"
#include "reenact/usable_cores.h"
#include "stream/face_meta.h"
#include "stream/pose_buffer.h"
#include "stream/progress_event.h"

namespace reenact {

struct ReenactNetworkFilter::Private {
  EngineSettings engine;  // under the object's lock
  ProcessingLatency latency;
  StageStatistics statistics;
};

G_DEFINE_ABSTRACT_TYPE(ReenactNetworkFilter, reenact_network_filter, GST_TYPE_BASE_TRANSFORM)

namespace {

ReenactNetworkFilter* self_of(gpointer object) {
  return reinterpret_cast<ReenactNetworkFilter*>(object);
}

const ReenactNetworkFilterClass& class_of(gpointer object) {
  return *G_TYPE_INSTANCE_GET_CLASS(object, reenact_network_filter_get_type(), ReenactNetworkFilterClass);
}

GstBaseTransformClass* parent_class() {
  return GST_BASE_TRANSFORM_CLASS(reenact_network_filter_parent_class);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  const auto set_setting = class_of(object).set_setting;
  bool known = false;
  {
    const ObjectLock lock(object);
    known = engine_properties.set(self_of(object)->p->engine, id, value) ||
            (set_setting && set_setting(self_of(object), id, value));
  }
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  if (id == stats_property) {
    const ReenactNetworkFilter::Private& p = *self_of(object)->p;
    g_value_take_boxed(value, p.statistics.structure(p.latency.reported()));
    return;
  }
  const auto get_setting = class_of(object).get_setting;
  bool known = false;
  {
    const ObjectLock lock(object);
    known = engine_properties.get(self_of(object)->p->engine, id, value) ||
            (get_setting && get_setting(self_of(object), id, value));
  }
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

EngineSettings settings_of(ReenactNetworkFilter* self) {
  return copy_of(self, self->p->engine);
}

/// Learns what the network needs for a frame before the first one comes.
void rehearse(ReenactNetworkFilter* self, const Network& network, const std::filesystem::path& path,
              int threads) {
  if (!class_of(self).rehearse) return;
  const std::string name = std::string(G_OBJECT_TYPE_NAME(self)) + " " + network.active_engine() + " " +
                           network.active_device() + " " + std::to_string(threads);
  try {
    const Rehearsal rehearsal = class_of(self).rehearse(self);
    const GstClockTime time = rehearsed_time(name + " " + rehearsal.input, path, rehearsal.frame);
    self->p->latency.expect_network(time);
    GST_CAT_DEBUG_OBJECT(class_of(self).category, self, "A frame is rehearsed to take %.2f ms",
                         double(time) / GST_MSECOND);
  } catch (const std::exception& error) {
    // A real frame will tell, if it comes to one.
    GST_CAT_WARNING_OBJECT(class_of(self).category, self, "Cannot be rehearsed: %s", error.what());
  }
}

/// Whether a source of the element's pipeline is live. Asked before it runs, when no latency query gets through.
bool is_in_live_pipeline(ReenactNetworkFilter* self) {
  Owned<GstObject> top(GST_OBJECT(gst_object_ref(self)));
  while (GstObject* parent = gst_object_get_parent(top.get())) top.reset(parent);
  if (!GST_IS_BIN(top.get())) return false;
  GstIterator* elements = gst_bin_iterate_recurse(GST_BIN(top.get()));
  const auto is_live = [](gconstpointer value, gconstpointer) -> gint {
    gpointer element = g_value_get_object(static_cast<const GValue*>(value));
    return GST_IS_BASE_SRC(element) && gst_base_src_is_live(GST_BASE_SRC(element)) ? 0 : 1;
  };
  GValue found = G_VALUE_INIT;
  const bool live = gst_iterator_find_custom(elements, is_live, &found, nullptr);
  if (live) g_value_unset(&found);
  gst_iterator_free(elements);
  return live;
}

void load(ReenactNetworkFilter* self) {
  const EngineSettings engine = settings_of(self);
  const std::filesystem::path path = engine.model_path();
  EngineOptions options = engine.options();
  if (options.threads == 0 && is_in_live_pipeline(self))
    options.threads = threads_of_live_pipeline(usable_cores());
  const Network& network = class_of(self).load(self, path, options);
  GST_CAT_DEBUG_OBJECT(class_of(self).category, self,
                       "Loaded '%s' as %s on %s (device=%s, precision=%s, threads=%d)", path.c_str(),
                       network.active_engine().c_str(), network.active_device().c_str(),
                       engine.device.c_str(), to_string(engine.precision).c_str(), options.threads);
  self->p->engine.loaded(GST_ELEMENT(self), network, path);
  rehearse(self, network, path, options.threads);
}

gboolean start(GstBaseTransform* base) {
  return guarded(GST_ELEMENT(base), gboolean(FALSE), [base]() -> gboolean {
    load(self_of(base));
    return TRUE;
  });
}

gboolean stop(GstBaseTransform* base) {
  ReenactNetworkFilter* self = self_of(base);
  class_of(self).unload(self);
  self->p->latency.reset();
  self->p->statistics.reset();
  self->p->engine.unloaded(GST_ELEMENT(base));
  return TRUE;
}

GstCaps* transform_caps(GstBaseTransform* base, GstPadDirection direction, GstCaps* caps, GstCaps* filter) {
  const GstPadDirection opposite = direction == GST_PAD_SINK ? GST_PAD_SRC : GST_PAD_SINK;
  const Owned<GstCaps> other(class_of(base).caps_for(self_of(base), opposite));
  Owned<GstCaps> result(gst_caps_new_empty());
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    GstCaps* one = gst_caps_copy(other.get());
    const GValue* rate = gst_structure_get_value(gst_caps_get_structure(caps, i), "framerate");
    if (rate) gst_caps_set_value(one, "framerate", rate);
    result.reset(gst_caps_merge(result.release(), one));
  }
  return filtered_caps(result.release(), filter);
}

bool is_video(GstCaps* caps) {
  return gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-raw");
}

gboolean set_caps(GstBaseTransform* base, GstCaps* in, GstCaps* out) {
  ReenactNetworkFilter* self = self_of(base);
  GST_CAT_DEBUG_OBJECT(class_of(self).category, self, "From %" GST_PTR_FORMAT " to %" GST_PTR_FORMAT, in,
                       out);
  const auto parse = [](GstVideoInfo& info, GstCaps* caps) {
    gst_video_info_init(&info);
    return !is_video(caps) || gst_video_info_from_caps(&info, caps);
  };
  if (!parse(self->in_info, in) || !parse(self->out_info, out)) return FALSE;
  const auto configure = class_of(self).configure;
  if (!configure) return TRUE;
  return guarded(GST_ELEMENT(base), gboolean(FALSE), [&] { return configure(self, in, out); });
}

gboolean get_unit_size(GstBaseTransform*, GstCaps* caps, gsize* size) {
  GstVideoInfo info;
  if (!is_video(caps)) {
    *size = gsize(pose_size_of_caps(caps)) * sizeof(float);
  } else if (gst_video_info_from_caps(&info, caps)) {
    *size = GST_VIDEO_INFO_SIZE(&info);
  } else {
    *size = 0;
  }
  return *size > 0;
}

gboolean transform_size(GstBaseTransform* base, GstPadDirection, GstCaps*, gsize, GstCaps* other_caps,
                        gsize* other_size) {
  // The size of a buffer on one side says nothing about the other: frames may be padded.
  return get_unit_size(base, other_caps, other_size);
}

gboolean propose_allocation(GstBaseTransform* base, GstQuery* decide_query, GstQuery* query) {
  if (!parent_class()->propose_allocation(base, decide_query, query)) return FALSE;
  GstCaps* caps = nullptr;
  gst_query_parse_allocation(query, &caps, nullptr);
  if (caps && is_video(caps)) gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  return TRUE;
}

gboolean transform_meta(GstBaseTransform*, GstBuffer*, GstMeta* meta, GstBuffer*) {
  return meta_is_independent_of_picture(meta->info);
}

gboolean sink_event(GstBaseTransform* base, GstEvent* event) {
  return parent_class()->sink_event(base, with_segment_of_time(GST_ELEMENT(base), event));
}

gboolean src_event(GstBaseTransform* base, GstEvent* event) {
  if (parse_drawn_event(event)) self_of(base)->p->latency.leave_growth();
  return parent_class()->src_event(base, event);
}

void before_transform(GstBaseTransform* base, GstBuffer* buffer) {
  const GstClockTime time = stream_time(base->segment, GST_BUFFER_PTS(buffer));
  if (GST_CLOCK_TIME_IS_VALID(time)) gst_object_sync_values(GST_OBJECT(base), time);
}

GstFlowReturn submit_input_buffer(GstBaseTransform* base, gboolean discont, GstBuffer* buffer) {
  StageStatistics& statistics = self_of(base)->p->statistics;
  statistics.frame_came();
  const GstFlowReturn flow = parent_class()->submit_input_buffer(base, discont, buffer);
  if (flow == GST_BASE_TRANSFORM_FLOW_DROPPED) statistics.frame_dropped();  // too late, says a QoS event
  return flow;
}

GstFlowReturn transform(GstBaseTransform* base, GstBuffer* in, GstBuffer* out) {
  ReenactNetworkFilter* self = self_of(base);
  const gint64 begin = g_get_monotonic_time();
  const Processed processed = guarded(GST_ELEMENT(base), Processed{GST_FLOW_ERROR, false},
                                      [&] { return class_of(self).process(self, in, out); });
  const GstClockTime elapsed = GstClockTime(g_get_monotonic_time() - begin) * GST_USECOND;
  if (processed.too_late) {
    self->p->statistics.frame_dropped();
  } else if (processed.network_ran) {
    self->p->statistics.frame_done(elapsed);
    self->p->latency.measured(GST_ELEMENT(base), running_time(base->segment, GST_BUFFER_PTS(in)), elapsed);
  }
  GST_CAT_LOG_OBJECT(class_of(self).category, self, "Buffer of %" GST_TIME_FORMAT " took %.2f ms%s",
                     GST_TIME_ARGS(GST_BUFFER_PTS(in)), double(elapsed) / GST_MSECOND,
                     processed.network_ran ? "" : ", without the network");
  return processed.flow;
}

gboolean query(GstBaseTransform* base, GstPadDirection direction, GstQuery* query) {
  const gboolean answered = parent_class()->query(base, direction, query);
  if (answered && direction == GST_PAD_SRC && GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
    self_of(base)->p->latency.add_to(query);
  }
  return answered;
}

void constructed(GObject* object) {
  // Only now is the class that of the element.
  self_of(object)->p->engine.model_file = class_of(object).default_model;
  G_OBJECT_CLASS(reenact_network_filter_parent_class)->constructed(object);
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_network_filter_parent_class)->finalize(object);
}

}  // namespace

void network_filter_install_properties(ReenactNetworkFilterClass* filter_class, const char* model_description,
                                       const char* default_model) {
  filter_class->default_model = default_model;
  // GObject lets no class inherit these two.
  G_OBJECT_CLASS(filter_class)->set_property = set_property;
  G_OBJECT_CLASS(filter_class)->get_property = get_property;
  install_engine_properties(G_OBJECT_CLASS(filter_class), model_description, default_model);
  install_stats(G_OBJECT_CLASS(filter_class), stats_property);
}

ProcessingLatency& network_filter_latency(ReenactNetworkFilter* filter) {
  return filter->p->latency;
}

void network_filter_post_qos(ReenactNetworkFilter* filter, GstBuffer* buffer, GstClockTimeDiff lateness) {
  auto* base = GST_BASE_TRANSFORM(filter);
  const GstClockTime time = GST_BUFFER_PTS(buffer);
  GstMessage* message =
      gst_message_new_qos(GST_OBJECT(filter), filter->p->latency.live(), running_time(base->segment, time),
                          stream_time(base->segment, time), time, GST_BUFFER_DURATION(buffer));
  gst_message_set_qos_values(message, lateness, 1, 1000000);
  const StageStatistics& statistics = filter->p->statistics;
  // This one is not counted yet.
  gst_message_set_qos_stats(message, GST_FORMAT_BUFFERS, statistics.done(), statistics.dropped() + 1);
  gst_element_post_message(GST_ELEMENT(filter), message);
}

std::filesystem::path network_filter_model_path(ReenactNetworkFilter* filter) {
  return settings_of(filter).model_path();
}

static void reenact_network_filter_class_init(ReenactNetworkFilterClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  object_class->constructed = constructed;
  object_class->finalize = finalize;
  transform_class->start = start;
  transform_class->stop = stop;
  transform_class->transform_caps = transform_caps;
  transform_class->set_caps = set_caps;
  transform_class->get_unit_size = get_unit_size;
  transform_class->transform_size = transform_size;
  transform_class->propose_allocation = propose_allocation;
  transform_class->transform_meta = transform_meta;
  transform_class->sink_event = sink_event;
  transform_class->src_event = src_event;
  transform_class->before_transform = before_transform;
  transform_class->submit_input_buffer = submit_input_buffer;
  transform_class->transform = transform;
  transform_class->query = query;
  gst_type_mark_as_plugin_api(reenact_network_filter_get_type(), GstPluginAPIFlags(0));
}

static void reenact_network_filter_init(ReenactNetworkFilter* self) {
  self->p = new ReenactNetworkFilter::Private;
  gst_base_transform_set_qos_enabled(GST_BASE_TRANSFORM(self), TRUE);
  gst_base_transform_set_gap_aware(GST_BASE_TRANSFORM(self), TRUE);
}

}  // namespace reenact
