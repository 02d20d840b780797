// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#include <cmath>
#include <memory>
#include <opencv2/imgproc.hpp>
#include <optional>

#include "base/element_error.h"
#include "base/processing_latency.h"
#include "crop_settings.h"
#include "elements.h"
#include "stream/face_meta.h"
#include "stream/video_frame.h"

GST_DEBUG_CATEGORY_STATIC(reenact_crop_debug);
#define GST_CAT_DEFAULT reenact_crop_debug

namespace reenact {

/// reenactcrop: video of any size to a square RGB crop of one face, with a FaceMeta.
struct ReenactCrop {
  struct Private;
  GstBaseTransform parent;
  Private* p;
};
struct ReenactCropClass {
  GstBaseTransformClass parent_class;
};

namespace {

constexpr char default_model[] = "detector.safetensors";
constexpr int default_size = 256;
constexpr int grey = 128;

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL)));
GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("video/x-raw, format=(string)RGB, width=(int)[1, 4096], height=(int)[1, 4096], "
                    "framerate=(fraction)[0/1, 2147483647/1]"));

}  // namespace

struct ReenactCrop::Private {
  CropSettings settings;
  EngineSettings engine{default_model};
  std::unique_ptr<FaceFinder> finder;
  ProcessingLatency latency;

  GstVideoInfo in_info{}, out_info{};
  GstCaps* in_caps = nullptr;
  int square_width = 0;  // of the picture once its pixels are square
  RgbReader reader;
  guint64 frames = 0;
  std::optional<FaceTracker::State> last_face;  // in the picture with square pixels

  ~Private() { gst_clear_caps(&in_caps); }
  void forget_faces() {
    if (finder) finder->reset();
    last_face.reset();
  }
};

GST_ELEMENT_REGISTER_DEFINE(reenactcrop, "reenactcrop", GST_RANK_NONE, reenact_crop_get_type())
G_DEFINE_TYPE(ReenactCrop, reenact_crop, GST_TYPE_BASE_TRANSFORM)

namespace {

ReenactCrop* self_of(gpointer object) {
  return reinterpret_cast<ReenactCrop*>(object);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  ReenactCrop::Private& p = *self_of(object)->p;
  GST_OBJECT_LOCK(object);
  const bool known = p.settings.set_property(id, value) || p.engine.set_property(id, value);
  GST_OBJECT_UNLOCK(object);
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  if (id == CropSettings::size_property) gst_base_transform_reconfigure_src(GST_BASE_TRANSFORM(object));
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  ReenactCrop::Private& p = *self_of(object)->p;
  GST_OBJECT_LOCK(object);
  const bool known = p.settings.get_property(id, value) || p.engine.get_property(id, value);
  GST_OBJECT_UNLOCK(object);
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

gboolean start(GstBaseTransform* base) {
  ReenactCrop::Private& p = *self_of(base)->p;
  return guarded(GST_ELEMENT(base), gboolean(FALSE), [&]() -> gboolean {
    GST_OBJECT_LOCK(base);
    const EngineSettings engine = p.engine;
    GST_OBJECT_UNLOCK(base);
    const std::filesystem::path path = engine.model_path();
    p.finder = std::make_unique<FaceFinder>(load_detector(path, engine.options()));
    p.engine.loaded(GST_ELEMENT(base), p.finder->detector(), path);
    p.frames = 0;
    p.last_face.reset();
    return TRUE;
  });
}

gboolean stop(GstBaseTransform* base) {
  ReenactCrop::Private& p = *self_of(base)->p;
  p.finder.reset();
  p.reader.reset();
  p.last_face.reset();
  p.latency.reset();
  gst_clear_caps(&p.in_caps);
  p.engine.unloaded(GST_ELEMENT(base));
  return TRUE;
}

GstCaps* transform_caps(GstBaseTransform* base, GstPadDirection direction, GstCaps* caps, GstCaps* filter) {
  GST_OBJECT_LOCK(base);
  const int size = self_of(base)->p->settings.size;
  GST_OBJECT_UNLOCK(base);
  GstPad* other =
      direction == GST_PAD_SINK ? GST_BASE_TRANSFORM_SRC_PAD(base) : GST_BASE_TRANSFORM_SINK_PAD(base);
  GstCaps* allowed = gst_pad_get_pad_template_caps(other);
  GstCaps* result = gst_caps_new_empty();
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    const GValue* rate = gst_structure_get_value(gst_caps_get_structure(caps, i), "framerate");
    GstCaps* one = gst_caps_copy(allowed);
    if (rate) gst_caps_set_value(one, "framerate", rate);
    if (direction == GST_PAD_SINK) {
      gst_caps_set_simple(one, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, nullptr);
      if (size > 0) gst_caps_set_simple(one, "width", G_TYPE_INT, size, "height", G_TYPE_INT, size, nullptr);
    }
    result = gst_caps_merge(result, one);
  }
  gst_caps_unref(allowed);
  if (filter) {
    GstCaps* intersection = gst_caps_intersect_full(filter, result, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(result);
    result = intersection;
  }
  return result;
}

GstCaps* fixate_caps(GstBaseTransform* base, GstPadDirection direction, GstCaps* caps, GstCaps* other) {
  if (direction == GST_PAD_SINK) {
    other = gst_caps_make_writable(gst_caps_truncate(other));
    GstStructure* structure = gst_caps_get_structure(other, 0);
    gst_structure_fixate_field_nearest_int(structure, "width", default_size);
    int width = default_size;
    gst_structure_get_int(structure, "width", &width);
    gst_structure_fixate_field_nearest_int(structure, "height", width);
  }
  return GST_BASE_TRANSFORM_CLASS(reenact_crop_parent_class)->fixate_caps(base, direction, caps, other);
}

gboolean set_caps(GstBaseTransform* base, GstCaps* in, GstCaps* out) {
  ReenactCrop::Private& p = *self_of(base)->p;
  return guarded(GST_ELEMENT(base), gboolean(FALSE), [&]() -> gboolean {
    GstVideoInfo in_info, out_info;
    if (!gst_video_info_from_caps(&in_info, in) || !gst_video_info_from_caps(&out_info, out)) return FALSE;
    if (GST_VIDEO_INFO_WIDTH(&out_info) != GST_VIDEO_INFO_HEIGHT(&out_info)) {
      GST_ERROR_OBJECT(base, "Downstream wants a crop of %dx%d, and crops are square",
                       GST_VIDEO_INFO_WIDTH(&out_info), GST_VIDEO_INFO_HEIGHT(&out_info));
      return FALSE;
    }
    const bool other_picture = !p.in_caps ||
                               GST_VIDEO_INFO_WIDTH(&in_info) != GST_VIDEO_INFO_WIDTH(&p.in_info) ||
                               GST_VIDEO_INFO_HEIGHT(&in_info) != GST_VIDEO_INFO_HEIGHT(&p.in_info);
    if (other_picture) p.forget_faces();
    p.in_info = in_info;
    p.out_info = out_info;
    gst_caps_replace(&p.in_caps, in);
    p.square_width = std::max(1, int(gst_util_uint64_scale_int_round(
                                     guint64(GST_VIDEO_INFO_WIDTH(&in_info)), GST_VIDEO_INFO_PAR_N(&in_info),
                                     std::max(1, GST_VIDEO_INFO_PAR_D(&in_info)))));
    p.reader.configure(in_info, p.square_width, GST_VIDEO_INFO_HEIGHT(&in_info));
    return TRUE;
  });
}

gboolean get_unit_size(GstBaseTransform*, GstCaps* caps, gsize* size) {
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, caps)) return FALSE;
  *size = GST_VIDEO_INFO_SIZE(&info);
  return TRUE;
}

gboolean transform_size(GstBaseTransform* base, GstPadDirection, GstCaps*, gsize, GstCaps* other_caps,
                        gsize* other_size) {
  // The size of a frame on one side says nothing about the other: frames may be padded.
  return get_unit_size(base, other_caps, other_size);
}

gboolean propose_allocation(GstBaseTransform* base, GstQuery* decide_query, GstQuery* query) {
  if (!GST_BASE_TRANSFORM_CLASS(reenact_crop_parent_class)->propose_allocation(base, decide_query, query))
    return FALSE;
  gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  return TRUE;
}

gboolean transform_meta(GstBaseTransform*, GstBuffer*, GstMeta* meta, GstBuffer*) {
  // A crop gets a face meta of its own.
  return meta->info->api != face_meta_api_get_type() && meta_is_independent_of_picture(meta->info);
}

void before_transform(GstBaseTransform* base, GstBuffer* buffer) {
  const GstClockTime time =
      gst_segment_to_stream_time(&base->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  if (GST_CLOCK_TIME_IS_VALID(time)) gst_object_sync_values(GST_OBJECT(base), time);
}

double seconds_of(const GstVideoInfo& info, GstBuffer* buffer, guint64 frame) {
  if (GST_BUFFER_PTS_IS_VALID(buffer)) return double(GST_BUFFER_PTS(buffer)) / GST_SECOND;
  const double rate = GST_VIDEO_INFO_FPS_N(&info) > 0
                          ? double(GST_VIDEO_INFO_FPS_N(&info)) / GST_VIDEO_INFO_FPS_D(&info)
                          : 30;
  return double(frame) / rate;
}

void fill_meta(FaceMeta& meta, const ReenactCrop::Private& p, const FaceTracker::State& face,
               const cv::Rect& window) {
  // Back from square pixels to those of the frame.
  const double scale = double(GST_VIDEO_INFO_WIDTH(&p.in_info)) / p.square_width;
  meta.box = face.box;
  meta.box.left = float(face.box.left * scale);
  meta.box.right = float(face.box.right * scale);
  const int left = int(std::floor(window.x * scale)),
            right = int(std::ceil((window.x + window.width) * scale));
  meta.crop = cv::Rect(left, window.y, right - left, window.height);
  meta.track_id = face.track_id;
}

void post_face_message(GstBaseTransform* base, GstBuffer* buffer, const FaceMeta& meta) {
  const GstClockTime pts = GST_BUFFER_PTS(buffer);
  GstStructure* structure =
      gst_structure_new("reenact-face", "timestamp", G_TYPE_UINT64, pts, "stream-time", G_TYPE_UINT64,
                        gst_segment_to_stream_time(&base->segment, GST_FORMAT_TIME, pts), "running-time",
                        G_TYPE_UINT64, gst_segment_to_running_time(&base->segment, GST_FORMAT_TIME, pts),
                        "found", G_TYPE_BOOLEAN, gboolean(!(meta.flags & face_missing)), nullptr);
  if (!(meta.flags & face_missing)) {
    gst_structure_set(structure, "left", G_TYPE_DOUBLE, double(meta.box.left), "top", G_TYPE_DOUBLE,
                      double(meta.box.top), "right", G_TYPE_DOUBLE, double(meta.box.right), "bottom",
                      G_TYPE_DOUBLE, double(meta.box.bottom), "score", G_TYPE_DOUBLE, double(meta.box.score),
                      "track-id", G_TYPE_UINT, meta.track_id, nullptr);
  }
  gst_element_post_message(GST_ELEMENT(base), gst_message_new_element(GST_OBJECT(base), structure));
}

GstFlowReturn drop_frame(GstBaseTransform* base, GstBuffer* buffer) {
  // Tells what waits downstream that time goes on.
  if (GST_BUFFER_PTS_IS_VALID(buffer)) {
    gst_pad_push_event(GST_BASE_TRANSFORM_SRC_PAD(base),
                       gst_event_new_gap(GST_BUFFER_PTS(buffer), GST_BUFFER_DURATION(buffer)));
  }
  return GST_BASE_TRANSFORM_FLOW_DROPPED;
}

cv::Mat cut(const cv::Mat& picture, const FaceBox& box, int size, const CropSettings& settings) {
  cv::Mat crop = crop_face(picture, box, size, settings.crop_scale);
  return settings.crop_style == CropStyle::authors ? recrop_as_loader(crop, size) : crop;
}

GstFlowReturn process(ReenactCrop* self, GstBuffer* in, GstBuffer* out) {
  ReenactCrop::Private& p = *self->p;
  auto* base = GST_BASE_TRANSFORM(self);
  GST_OBJECT_LOCK(self);
  const CropSettings settings = p.settings;
  GST_OBJECT_UNLOCK(self);

  const gint64 begin = g_get_monotonic_time();
  const RgbPicture picture = p.reader.read(in);
  p.finder->set_options(settings.finder);
  const auto face = p.finder->find(picture.mat(), seconds_of(p.in_info, in, p.frames++));
  if (face) p.last_face = face;

  FaceMeta* meta = add_face_meta(out, in, p.in_caps);
  meta->frame_width = GST_VIDEO_INFO_WIDTH(&p.in_info);
  meta->frame_height = GST_VIDEO_INFO_HEIGHT(&p.in_info);
  if (face) {
    if (face->detected) meta->flags = face_detected;
  } else {
    meta->flags = face_missing;
    if (settings.no_face == NoFace::hold && p.last_face) meta->flags |= face_held;
  }
  const bool shows_face = face || (meta->flags & face_held);
  const int size = GST_VIDEO_INFO_WIDTH(&p.out_info);
  {
    MappedFrame target(p.out_info, out, GST_MAP_WRITE);
    cv::Mat crop = target.mat(CV_8UC3);
    if (shows_face) {
      cut(picture.mat(), p.last_face->box, size, settings).copyTo(crop);
    } else {
      crop.setTo(cv::Scalar::all(grey));
    }
  }
  if (shows_face) {
    fill_meta(*meta, p, *p.last_face, crop_window(p.last_face->box, settings.crop_scale));
    add_region_of_interest(out, *meta, meta->crop, size, size);
  } else {
    GST_BUFFER_FLAG_SET(out, GST_BUFFER_FLAG_GAP);
  }
  GST_BUFFER_FLAG_UNSET(out, GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_TFF |
                                 GST_VIDEO_BUFFER_FLAG_RFF | GST_VIDEO_BUFFER_FLAG_ONEFIELD);
  p.latency.measured(GST_ELEMENT(self), GstClockTime(g_get_monotonic_time() - begin) * GST_USECOND);

  if (settings.post_messages) post_face_message(base, in, *meta);
  if (!face && settings.no_face == NoFace::drop) return drop_frame(base, in);
  return GST_FLOW_OK;
}

GstFlowReturn transform(GstBaseTransform* base, GstBuffer* in, GstBuffer* out) {
  return guarded(GST_ELEMENT(base), GST_FLOW_ERROR, [&] { return process(self_of(base), in, out); });
}

gboolean sink_event(GstBaseTransform* base, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) self_of(base)->p->forget_faces();
  return GST_BASE_TRANSFORM_CLASS(reenact_crop_parent_class)->sink_event(base, event);
}

gboolean query(GstBaseTransform* base, GstPadDirection direction, GstQuery* query) {
  const gboolean answered =
      GST_BASE_TRANSFORM_CLASS(reenact_crop_parent_class)->query(base, direction, query);
  if (answered && direction == GST_PAD_SRC && GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
    self_of(base)->p->latency.add_to(query);
  }
  return answered;
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_crop_parent_class)->finalize(object);
}

}  // namespace

static void reenact_crop_class_init(ReenactCropClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  auto* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  GST_DEBUG_CATEGORY_INIT(reenact_crop_debug, "reenactcrop", 0, "Face detection and cropping");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  EngineSettings::install(object_class, "The S3FD face detector", default_model);
  CropSettings::install(object_class);
  gst_element_class_set_static_metadata(
      element_class, "Face cropper", "Filter/Analyzer/Effect/Video",
      "Finds and follows a face and cuts it out as the reenactment networks expect it",
      "The gst-reenact authors");
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  transform_class->start = start;
  transform_class->stop = stop;
  transform_class->transform_caps = transform_caps;
  transform_class->fixate_caps = fixate_caps;
  transform_class->set_caps = set_caps;
  transform_class->get_unit_size = get_unit_size;
  transform_class->transform_size = transform_size;
  transform_class->propose_allocation = propose_allocation;
  transform_class->transform_meta = transform_meta;
  transform_class->before_transform = before_transform;
  transform_class->transform = transform;
  transform_class->sink_event = sink_event;
  transform_class->query = query;
}

static void reenact_crop_init(ReenactCrop* self) {
  self->p = new ReenactCrop::Private;
  gst_base_transform_set_qos_enabled(GST_BASE_TRANSFORM(self), TRUE);
  gst_base_transform_set_gap_aware(GST_BASE_TRANSFORM(self), TRUE);
}

}  // namespace reenact
