// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#include <atomic>
#include <memory>

#include "base/element_error.h"
#include "base/engine_settings.h"
#include "base/processing_latency.h"
#include "elements.h"
#include "enum_types.h"
#include "reenact/error.h"
#include "reenact/pose_mapper.h"
#include "stream/face_meta.h"
#include "stream/identity_event.h"
#include "stream/pose_buffer.h"
#include "stream/video_frame.h"

GST_DEBUG_CATEGORY_STATIC(reenact_generator_debug);
#define GST_CAT_DEFAULT reenact_generator_debug

namespace reenact {

/// reenactgenerator: poses to RGBA pictures of the identity's head.
struct ReenactGenerator {
  struct Private;
  GstBaseTransform parent;
  Private* p;
};
struct ReenactGeneratorClass {
  GstBaseTransformClass parent_class;
};

namespace {

constexpr char default_model[] = "reenactor.safetensors";

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(REENACT_POSE_CAPS));
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("RGBA")));

enum Property : guint { pose_mode_property = EngineSettings::first_own_property, pose_strength_property };

/// Who is to be drawn.
enum class Head {
  unknown,  ///< nothing upstream said: an error once there is a pose to draw
  nobody,   ///< reenactidentity has none yet: pictures stay empty
  known
};

}  // namespace

struct ReenactGenerator::Private {
  EngineSettings engine{default_model};
  PoseMode pose_mode = PoseMode::absolute;
  double pose_strength = 1;
  std::atomic<bool> reference_wanted = false;

  std::unique_ptr<Generator> generator;
  Head head = Head::unknown;
  std::shared_ptr<const Identity> identity;
  PoseMapper mapper;
  ProcessingLatency latency;
  GstVideoInfo out_info{};
};

enum Signal { set_reference_signal, signal_count };
static guint signals[signal_count];

GST_ELEMENT_REGISTER_DEFINE(reenactgenerator, "reenactgenerator", GST_RANK_NONE, reenact_generator_get_type())
G_DEFINE_TYPE(ReenactGenerator, reenact_generator, GST_TYPE_BASE_TRANSFORM)

namespace {

ReenactGenerator* self_of(gpointer object) {
  return reinterpret_cast<ReenactGenerator*>(object);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  ReenactGenerator::Private& p = *self_of(object)->p;
  bool known = true;
  GST_OBJECT_LOCK(object);
  switch (id) {
    case pose_mode_property:
      p.pose_mode = static_cast<PoseMode>(g_value_get_enum(value));
      break;
    case pose_strength_property:
      p.pose_strength = g_value_get_double(value);
      break;
    default:
      known = p.engine.set_property(id, value);
  }
  GST_OBJECT_UNLOCK(object);
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  ReenactGenerator::Private& p = *self_of(object)->p;
  bool known = true;
  GST_OBJECT_LOCK(object);
  switch (id) {
    case pose_mode_property:
      g_value_set_enum(value, static_cast<gint>(p.pose_mode));
      break;
    case pose_strength_property:
      g_value_set_double(value, p.pose_strength);
      break;
    default:
      known = p.engine.get_property(id, value);
  }
  GST_OBJECT_UNLOCK(object);
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void set_reference(ReenactGenerator* self) {
  self->p->reference_wanted = true;
}

gboolean start(GstBaseTransform* base) {
  ReenactGenerator::Private& p = *self_of(base)->p;
  return guarded(GST_ELEMENT(base), gboolean(FALSE), [&]() -> gboolean {
    GST_OBJECT_LOCK(base);
    const EngineSettings engine = p.engine;
    GST_OBJECT_UNLOCK(base);
    const std::filesystem::path path = engine.model_path();
    p.generator = load_generator(path, engine.options());
    p.head = Head::unknown;
    p.engine.loaded(GST_ELEMENT(base), *p.generator, path);
    return TRUE;
  });
}

gboolean stop(GstBaseTransform* base) {
  ReenactGenerator::Private& p = *self_of(base)->p;
  p.generator.reset();
  p.identity.reset();
  p.mapper.reset();
  p.reference_wanted = false;
  p.latency.reset();
  p.engine.unloaded(GST_ELEMENT(base));
  return TRUE;
}

GstCaps* transform_caps(GstBaseTransform* base, GstPadDirection direction, GstCaps* caps, GstCaps* filter) {
  const ReenactGenerator::Private& p = *self_of(base)->p;
  GstCaps* other = nullptr;
  if (direction == GST_PAD_SINK) {
    other = gst_caps_make_writable(gst_static_pad_template_get_caps(&src_template));
    gst_caps_set_simple(other, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, nullptr);
    if (p.generator) {
      const int size = p.generator->image_size();
      gst_caps_set_simple(other, "width", G_TYPE_INT, size, "height", G_TYPE_INT, size, nullptr);
    }
  } else {
    // Dimensions can be spelled in several ways; set_caps() compares them.
    other = gst_static_pad_template_get_caps(&sink_template);
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

gboolean set_caps(GstBaseTransform* base, GstCaps* in, GstCaps* out) {
  ReenactGenerator::Private& p = *self_of(base)->p;
  return guarded(GST_ELEMENT(base), gboolean(FALSE), [&]() -> gboolean {
    const int found = pose_size_of_caps(in), wanted = p.generator->pose_embedding_size();
    if (found != wanted) {
      GST_OBJECT_LOCK(base);
      const std::filesystem::path path = p.engine.model_path();
      GST_OBJECT_UNLOCK(base);
      const char* dimensions = gst_structure_get_string(gst_caps_get_structure(in, 0), "dimensions");
      throw Error(ErrorCode::wrong_kind, "the poses that come in have dimensions " +
                                             std::string(dimensions ? dimensions : "(none)") + ", and '" +
                                             path.string() + "' wants " + std::to_string(wanted) + ":1:1:1");
    }
    return gst_video_info_from_caps(&p.out_info, out);
  });
}

gboolean transform_size(GstBaseTransform* base, GstPadDirection direction, GstCaps*, gsize,
                        GstCaps* other_caps, gsize* other_size) {
  if (direction == GST_PAD_SRC) {
    const ReenactGenerator::Private& p = *self_of(base)->p;
    if (!p.generator) return FALSE;
    *other_size = gsize(p.generator->pose_embedding_size()) * sizeof(float);
    return TRUE;
  }
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, other_caps)) return FALSE;
  *other_size = GST_VIDEO_INFO_SIZE(&info);
  return TRUE;
}

gboolean get_unit_size(GstBaseTransform* base, GstCaps* caps, gsize* size) {
  const bool video = gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-raw");
  return transform_size(base, video ? GST_PAD_SINK : GST_PAD_SRC, nullptr, 0, caps, size);
}

gboolean transform_meta(GstBaseTransform*, GstBuffer*, GstMeta* meta, GstBuffer*) {
  return meta_is_independent_of_picture(meta->info);
}

void before_transform(GstBaseTransform* base, GstBuffer* buffer) {
  const GstClockTime time =
      gst_segment_to_stream_time(&base->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  if (GST_CLOCK_TIME_IS_VALID(time)) gst_object_sync_values(GST_OBJECT(base), time);
}

GstFlowReturn process(ReenactGenerator* self, GstBuffer* in, GstBuffer* out) {
  ReenactGenerator::Private& p = *self->p;
  GST_OBJECT_LOCK(self);
  const PoseMode mode = p.pose_mode;
  const double strength = p.pose_strength;
  GST_OBJECT_UNLOCK(self);

  const gint64 begin = g_get_monotonic_time();
  MappedFrame target(p.out_info, out, GST_MAP_WRITE);
  cv::Mat picture = target.mat(CV_8UC4);
  if (is_faceless(in) || p.head == Head::nobody) {
    picture.setTo(cv::Scalar::all(0));
    GST_BUFFER_FLAG_SET(out, GST_BUFFER_FLAG_GAP);
    return GST_FLOW_OK;
  }
  if (p.head == Head::unknown) {
    throw Error(ErrorCode::invalid,
                "nobody's head is known to reenactgenerator, wanted a reenactidentity with an identity-file "
                "before it");
  }
  const MappedPose pose(in, p.generator->pose_embedding_size(), GST_MAP_READ);
  if (p.reference_wanted.exchange(false)) p.mapper.set_reference();
  p.generator->generate(p.mapper.map(pose.values(), p.identity->neutral_pose, mode, strength))
      .copyTo(picture);
  p.latency.measured(GST_ELEMENT(self), GstClockTime(g_get_monotonic_time() - begin) * GST_USECOND);
  return GST_FLOW_OK;
}

GstFlowReturn transform(GstBaseTransform* base, GstBuffer* in, GstBuffer* out) {
  return guarded(GST_ELEMENT(base), GST_FLOW_ERROR, [&] { return process(self_of(base), in, out); });
}

void take_identity(ReenactGenerator* self, const std::shared_ptr<const Identity>& identity) {
  ReenactGenerator::Private& p = *self->p;
  if (!p.generator || identity == p.identity) {
    if (!identity && p.head == Head::unknown) p.head = Head::nobody;
    return;
  }
  if (identity) p.generator->set_identity(identity);
  p.identity = identity;
  p.head = identity ? Head::known : Head::nobody;
  GST_INFO_OBJECT(self, "From here on the head of %s", identity ? identity->name.c_str() : "nobody");
}

gboolean sink_event(GstBaseTransform* base, GstEvent* event) {
  std::shared_ptr<const Identity> identity;
  if (parse_identity_event(event, identity)) {
    const bool taken = guarded(GST_ELEMENT(base), false, [&] {
      take_identity(self_of(base), identity);
      return true;
    });
    if (!taken) {
      gst_event_unref(event);
      return FALSE;
    }
  }
  return GST_BASE_TRANSFORM_CLASS(reenact_generator_parent_class)->sink_event(base, event);
}

gboolean query(GstBaseTransform* base, GstPadDirection direction, GstQuery* query) {
  const gboolean answered =
      GST_BASE_TRANSFORM_CLASS(reenact_generator_parent_class)->query(base, direction, query);
  if (answered && direction == GST_PAD_SRC && GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
    self_of(base)->p->latency.add_to(query);
  }
  return answered;
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_generator_parent_class)->finalize(object);
}

void install_properties(GObjectClass* object_class) {
  constexpr auto playing =
      GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  EngineSettings::install(object_class, "The reenactor whose generator runs", default_model);
  g_object_class_install_property(
      object_class, pose_mode_property,
      g_param_spec_enum("pose-mode", "Pose mode", "Whether the head takes the driver's pose or its motion",
                        pose_mode_get_type(), static_cast<gint>(PoseMode::absolute), playing));
  g_object_class_install_property(
      object_class, pose_strength_property,
      g_param_spec_double(
          "pose-strength", "Pose strength",
          "How far the head moves from its resting pose: 0 not at all, 1 as the driver, more exaggerates", 0,
          3, 1, GParamFlags(playing | GST_PARAM_CONTROLLABLE)));
  /**
   * ReenactGenerator::set-reference:
   *
   * Action: the next pose becomes the reference from which pose-mode=relative counts.
   */
  signals[set_reference_signal] = g_signal_new_class_handler(
      "set-reference", G_OBJECT_CLASS_TYPE(object_class), GSignalFlags(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
      G_CALLBACK(set_reference), nullptr, nullptr, nullptr, G_TYPE_NONE, 0);
}

}  // namespace

static void reenact_generator_class_init(ReenactGeneratorClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  auto* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  GST_DEBUG_CATEGORY_INIT(reenact_generator_debug, "reenactgenerator", 0, "Head generator");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  install_properties(object_class);
  gst_element_class_set_static_metadata(
      element_class, "Head generator", "Filter/Effect/Video",
      "Draws an identity's head in the poses that come in, with its mask as alpha",
      "The gst-reenact authors");
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  transform_class->start = start;
  transform_class->stop = stop;
  transform_class->transform_caps = transform_caps;
  transform_class->set_caps = set_caps;
  transform_class->get_unit_size = get_unit_size;
  transform_class->transform_size = transform_size;
  transform_class->transform_meta = transform_meta;
  transform_class->before_transform = before_transform;
  transform_class->transform = transform;
  transform_class->sink_event = sink_event;
  transform_class->query = query;
}

static void reenact_generator_init(ReenactGenerator* self) {
  self->p = new ReenactGenerator::Private;
  gst_base_transform_set_qos_enabled(GST_BASE_TRANSFORM(self), TRUE);
  gst_base_transform_set_gap_aware(GST_BASE_TRANSFORM(self), TRUE);
}

}  // namespace reenact
