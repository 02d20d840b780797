// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/element_error.h"
#include "base/engine_settings.h"
#include "base/processing_latency.h"
#include "elements.h"
#include "stream/face_meta.h"
#include "stream/pose_buffer.h"
#include "stream/video_frame.h"

GST_DEBUG_CATEGORY_STATIC(reenact_pose_debug);
#define GST_CAT_DEFAULT reenact_pose_debug

namespace reenact {

/// reenactpose: RGB crops to pose descriptors as tensors.
struct ReenactPose {
  struct Private;
  GstBaseTransform parent;
  Private* p;
};
struct ReenactPoseClass {
  GstBaseTransformClass parent_class;
};

namespace {

constexpr char default_model[] = "reenactor.safetensors";

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                                                             GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("RGB")));
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(REENACT_POSE_CAPS));

}  // namespace

struct ReenactPose::Private {
  EngineSettings engine{default_model};
  std::unique_ptr<PoseEncoder> encoder;
  ProcessingLatency latency;
  GstVideoInfo in_info{};
  std::vector<float> last_pose;  // empty before the first face
};

GST_ELEMENT_REGISTER_DEFINE(reenactpose, "reenactpose", GST_RANK_NONE, reenact_pose_get_type())
G_DEFINE_TYPE(ReenactPose, reenact_pose, GST_TYPE_BASE_TRANSFORM)

namespace {

ReenactPose* self_of(gpointer object) {
  return reinterpret_cast<ReenactPose*>(object);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  GST_OBJECT_LOCK(object);
  const bool known = self_of(object)->p->engine.set_property(id, value);
  GST_OBJECT_UNLOCK(object);
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  GST_OBJECT_LOCK(object);
  const bool known = self_of(object)->p->engine.get_property(id, value);
  GST_OBJECT_UNLOCK(object);
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

gboolean start(GstBaseTransform* base) {
  ReenactPose::Private& p = *self_of(base)->p;
  return guarded(GST_ELEMENT(base), gboolean(FALSE), [&]() -> gboolean {
    GST_OBJECT_LOCK(base);
    const EngineSettings engine = p.engine;
    GST_OBJECT_UNLOCK(base);
    const std::filesystem::path path = engine.model_path();
    p.encoder = load_pose_encoder(path, engine.options());
    p.engine.loaded(GST_ELEMENT(base), *p.encoder, path);
    return TRUE;
  });
}

gboolean stop(GstBaseTransform* base) {
  ReenactPose::Private& p = *self_of(base)->p;
  p.encoder.reset();
  p.last_pose.clear();
  p.latency.reset();
  p.engine.unloaded(GST_ELEMENT(base));
  return TRUE;
}

GstCaps* transform_caps(GstBaseTransform* base, GstPadDirection direction, GstCaps* caps, GstCaps* filter) {
  const ReenactPose::Private& p = *self_of(base)->p;
  GstCaps* other = nullptr;
  if (direction == GST_PAD_SINK) {
    other = p.encoder ? new_pose_caps(p.encoder->embedding_size())
                      : gst_static_pad_template_get_caps(&src_template);
  } else {
    other = gst_static_pad_template_get_caps(&sink_template);
    if (p.encoder) {
      const int size = p.encoder->image_size();
      other = gst_caps_make_writable(other);
      gst_caps_set_simple(other, "width", G_TYPE_INT, size, "height", G_TYPE_INT, size, nullptr);
    }
  }
  GstCaps* result = gst_caps_new_empty();
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    GstCaps* one = gst_caps_copy(other);
    const GValue* rate = gst_structure_get_value(gst_caps_get_structure(caps, i), "framerate");
    if (rate) gst_caps_set_value(one, "framerate", rate);
    result = gst_caps_merge(result, one);
  }
  gst_caps_unref(other);
  if (filter) {
    GstCaps* intersection = gst_caps_intersect_full(filter, result, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(result);
    result = intersection;
  }
  return result;
}

gboolean set_caps(GstBaseTransform* base, GstCaps* in, GstCaps*) {
  return gst_video_info_from_caps(&self_of(base)->p->in_info, in);
}

gboolean transform_size(GstBaseTransform* base, GstPadDirection direction, GstCaps*, gsize,
                        GstCaps* other_caps, gsize* other_size) {
  if (direction == GST_PAD_SINK) {
    const ReenactPose::Private& p = *self_of(base)->p;
    if (!p.encoder) return FALSE;
    *other_size = gsize(p.encoder->embedding_size()) * sizeof(float);
    return TRUE;
  }
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, other_caps)) return FALSE;
  *other_size = GST_VIDEO_INFO_SIZE(&info);
  return TRUE;
}

gboolean get_unit_size(GstBaseTransform* base, GstCaps* caps, gsize* size) {
  const bool video = gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-raw");
  return transform_size(base, video ? GST_PAD_SRC : GST_PAD_SINK, nullptr, 0, caps, size);
}

gboolean propose_allocation(GstBaseTransform* base, GstQuery* decide_query, GstQuery* query) {
  if (!GST_BASE_TRANSFORM_CLASS(reenact_pose_parent_class)->propose_allocation(base, decide_query, query))
    return FALSE;
  gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  return TRUE;
}

gboolean transform_meta(GstBaseTransform*, GstBuffer*, GstMeta* meta, GstBuffer*) {
  return meta_is_independent_of_picture(meta->info);
}

GstFlowReturn process(ReenactPose* self, GstBuffer* in, GstBuffer* out) {
  ReenactPose::Private& p = *self->p;
  const gint64 begin = g_get_monotonic_time();
  const FaceMeta* face = get_face_meta(in);
  const bool nobody = is_faceless(in);
  // A held crop shows whatever stands now where the face was; the pose it had is the better guess.
  const bool held = face && (face->flags & face_held);

  const MappedPose pose(out, p.encoder->embedding_size(), GST_MAP_WRITE);
  if (nobody || (held && p.last_pose.empty())) {
    std::fill(pose.values().begin(), pose.values().end(), 0.0f);
    GST_BUFFER_FLAG_SET(out, GST_BUFFER_FLAG_GAP);
  } else if (held) {
    std::copy(p.last_pose.begin(), p.last_pose.end(), pose.values().begin());
  } else {
    MappedFrame crop(p.in_info, in, GST_MAP_READ);
    p.encoder->encode(crop.mat(CV_8UC3), pose.values());
    p.last_pose.assign(pose.values().begin(), pose.values().end());
    p.latency.measured(GST_ELEMENT(self), GstClockTime(g_get_monotonic_time() - begin) * GST_USECOND);
  }
  return GST_FLOW_OK;
}

GstFlowReturn transform(GstBaseTransform* base, GstBuffer* in, GstBuffer* out) {
  return guarded(GST_ELEMENT(base), GST_FLOW_ERROR, [&] { return process(self_of(base), in, out); });
}

gboolean sink_event(GstBaseTransform* base, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) self_of(base)->p->last_pose.clear();
  return GST_BASE_TRANSFORM_CLASS(reenact_pose_parent_class)->sink_event(base, event);
}

gboolean query(GstBaseTransform* base, GstPadDirection direction, GstQuery* query) {
  const gboolean answered =
      GST_BASE_TRANSFORM_CLASS(reenact_pose_parent_class)->query(base, direction, query);
  if (answered && direction == GST_PAD_SRC && GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
    self_of(base)->p->latency.add_to(query);
  }
  return answered;
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_pose_parent_class)->finalize(object);
}

}  // namespace

static void reenact_pose_class_init(ReenactPoseClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  auto* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  GST_DEBUG_CATEGORY_INIT(reenact_pose_debug, "reenactpose", 0, "Pose encoder");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  EngineSettings::install(object_class, "The reenactor whose pose encoder runs", default_model);
  gst_element_class_set_static_metadata(element_class, "Pose encoder", "Filter/Analyzer/Video",
                                        "Turns face crops into latent pose descriptors",
                                        "The gst-reenact authors");
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  transform_class->start = start;
  transform_class->stop = stop;
  transform_class->transform_caps = transform_caps;
  transform_class->set_caps = set_caps;
  transform_class->get_unit_size = get_unit_size;
  transform_class->transform_size = transform_size;
  transform_class->propose_allocation = propose_allocation;
  transform_class->transform_meta = transform_meta;
  transform_class->transform = transform;
  transform_class->sink_event = sink_event;
  transform_class->query = query;
}

static void reenact_pose_init(ReenactPose* self) {
  self->p = new ReenactPose::Private;
  gst_base_transform_set_qos_enabled(GST_BASE_TRANSFORM(self), TRUE);
  gst_base_transform_set_gap_aware(GST_BASE_TRANSFORM(self), TRUE);
}

}  // namespace reenact
