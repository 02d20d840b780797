// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-reenactcrop
 * @title: reenactcrop
 *
 * Finds and follows a face in video of any size and cuts it out as a square RGB crop with a face meta.
 *
 *     gst-launch-1.0 v4l2src ! videoconvert ! reenactcrop ! videoconvert ! autovideosink
 *
 * Since: 0.1
 */
#include <gst/video/video.h>

#include <cmath>
#include <memory>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <sstream>

#include "base/element_description.h"
#include "base/engine_settings.h"
#include "base/glib.h"
#include "base/network_filter.h"
#include "base/settings.h"
#include "base/time_segment.h"
#include "crop_settings.h"
#include "elements.h"
#include "face_tally.h"
#include "load_shedding.h"
#include "reenact/face_finder.h"
#include "stream/face_meta.h"
#include "stream/progress_event.h"
#include "stream/video_frame.h"

GST_DEBUG_CATEGORY_STATIC(reenact_crop_debug);
#define GST_CAT_DEFAULT reenact_crop_debug

namespace reenact {

struct ReenactCrop {
  struct Private;
  ReenactNetworkFilter parent;
  Private* p;
};
struct ReenactCropClass {
  ReenactNetworkFilterClass parent_class;
};

namespace {

constexpr int default_size = 256;
constexpr int gray = 128;

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL)));
GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("video/x-raw, format=(string)RGB, width=(int)[1, 4096], height=(int)[1, 4096], "
                    "framerate=(fraction)[0/1, 2147483647/1]"));

}  // namespace

struct ReenactCrop::Private {
  CropSettings settings;  // under the object's lock
  std::unique_ptr<FaceFinder> finder;
  cv::Size picture_size;  // of the frames, as negotiated last
  int square_width = 0;   // of the picture once its pixels are square
  Owned<GstCaps> frame_caps;
  RgbReader reader;
  LoadShedding shedding;
  guint64 frames = 0;
  bool following = false;                // whether the last frame had a face
  std::optional<TrackedFace> last_face;  // in the picture with square pixels
  FaceTally tally;

  void forget_faces() {
    if (finder) finder->reset();
    last_face.reset();
    following = false;
  }
};

GST_ELEMENT_REGISTER_DEFINE(reenactcrop, "reenactcrop", GST_RANK_NONE, reenact_crop_get_type())
G_DEFINE_TYPE(ReenactCrop, reenact_crop, reenact_network_filter_get_type())

namespace {

ReenactCrop* self_of(gpointer object) {
  return reinterpret_cast<ReenactCrop*>(object);
}

CropSettings& settings_of(ReenactNetworkFilter* filter) {
  return self_of(filter)->p->settings;
}

void notify(GObject* object, GParamSpec* spec) {
  if (g_str_equal(spec->name, "size")) gst_base_transform_reconfigure_src(GST_BASE_TRANSFORM(object));
}

const Network& load(ReenactNetworkFilter* filter, const std::filesystem::path& model,
                    const EngineOptions& options) {
  ReenactCrop::Private& p = *self_of(filter)->p;
  p.finder = std::make_unique<FaceFinder>(load_detector(model, options));
  p.frames = 0;
  return p.finder->detector();
}

CropSettings current_settings(ReenactNetworkFilter* filter) {
  return copy_of(filter, self_of(filter)->p->settings);
}

/// As long as it may take: a picture without a face is searched twice, and most of them are of this shape.
Rehearsal rehearse(ReenactNetworkFilter* filter) {
  FaceFinder& finder = *self_of(filter)->p->finder;
  FaceFinder::Options options = current_settings(filter).finder;
  if (options.detect_size <= 0) options.detect_size = 640;
  finder.set_options(options);
  const cv::Mat picture(options.detect_size * 3 / 4, options.detect_size, CV_8UC3, cv::Scalar(120, 110, 100));
  return {"searches " + std::to_string(options.detect_size), [&finder, picture] { finder.search(picture); }};
}

void unload(ReenactNetworkFilter* filter) {
  ReenactCrop::Private& p = *self_of(filter)->p;
  p.forget_faces();
  p.tally.reset();
  p.shedding.reset();
  p.finder.reset();
  p.reader.reset();
  p.frame_caps.reset();
  p.picture_size = {};
}

GstCaps* caps_for(ReenactNetworkFilter* filter, GstPadDirection direction) {
  if (direction == GST_PAD_SINK) return gst_static_pad_template_get_caps(&sink_template);
  GstCaps* caps = gst_caps_make_writable(gst_static_pad_template_get_caps(&src_template));
  gst_caps_set_simple(caps, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, nullptr);
  const ObjectLock lock(filter);
  const int size = self_of(filter)->p->settings.size;
  if (size > 0) gst_caps_set_simple(caps, "width", G_TYPE_INT, size, "height", G_TYPE_INT, size, nullptr);
  return caps;
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

cv::Mat cut(const cv::Mat& picture, const FaceBox& box, int size, const CropSettings& settings) {
  cv::Mat crop = crop_face(picture, box, size, settings.crop_scale);
  return settings.crop_style == CropStyle::authors ? recrop_as_loader(crop, size) : crop;
}

/// What frames of this format cost beside the detector: reading, reducing and cutting an empty one.
GstClockTime rehearsed_reading(ReenactNetworkFilter* filter) {
  ReenactCrop::Private& p = *self_of(filter)->p;
  const CropSettings settings = current_settings(filter);
  Owned<GstBuffer> frame(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&filter->in_info), nullptr));
  gst_buffer_memset(frame.get(), 0, gray, GST_VIDEO_INFO_SIZE(&filter->in_info));
  const auto read = [&] {
    const RgbPicture picture = p.reader.read(frame.get());
    // A square, as of a face: what is cut out of a strip would be many times as large as the strip.
    const float side = float(std::max(1, std::min(picture.mat().cols, picture.mat().rows) / 2));
    FaceFinder::reduced(picture.mat(), settings.finder.detect_size);
    cut(picture.mat(), {0, 0, side, side, 1}, GST_VIDEO_INFO_WIDTH(&filter->out_info), settings);
  };
  std::ostringstream what;
  what << "crop reads " << gst_video_format_to_string(GST_VIDEO_INFO_FORMAT(&filter->in_info)) << " of "
       << GST_VIDEO_INFO_WIDTH(&filter->in_info) << "x" << GST_VIDEO_INFO_HEIGHT(&filter->in_info)
       << " of transfer " << int(filter->in_info.colorimetry.transfer) << " as " << p.square_width
       << " wide, reduced to " << settings.finder.detect_size << ", cut to "
       << GST_VIDEO_INFO_WIDTH(&filter->out_info) << " at " << settings.crop_scale << " times "
       << int(settings.crop_style) + 1;
  return rehearsed_time(what.str(), {}, read, {.runs = 3});
}

gboolean configure(ReenactNetworkFilter* filter, GstCaps* in_caps, GstCaps*) {
  ReenactCrop::Private& p = *self_of(filter)->p;
  const GstVideoInfo &in = filter->in_info, &out = filter->out_info;
  refuse_interlaced(in, "the driver's video");
  p.frame_caps.reset(gst_caps_ref(in_caps));
  if (GST_VIDEO_INFO_WIDTH(&out) != GST_VIDEO_INFO_HEIGHT(&out)) {
    GST_ERROR_OBJECT(filter, "Downstream wants a crop of %dx%d, and crops are square",
                     GST_VIDEO_INFO_WIDTH(&out), GST_VIDEO_INFO_HEIGHT(&out));
    return FALSE;
  }
  const cv::Size size(GST_VIDEO_INFO_WIDTH(&in), GST_VIDEO_INFO_HEIGHT(&in));
  if (size != p.picture_size) p.forget_faces();
  p.picture_size = size;
  p.square_width = std::max(
      1, int(gst_util_uint64_scale_int_round(guint64(GST_VIDEO_INFO_WIDTH(&in)), GST_VIDEO_INFO_PAR_N(&in),
                                             std::max(1, GST_VIDEO_INFO_PAR_D(&in)))));
  p.reader.configure(in, p.square_width, GST_VIDEO_INFO_HEIGHT(&in));
  network_filter_latency(filter).expect_format(GST_ELEMENT(filter), rehearsed_reading(filter));
  return TRUE;
}

gboolean transform_meta(GstBaseTransform* base, GstBuffer* out, GstMeta* meta, GstBuffer* in) {
  // A crop gets a face meta of its own.
  if (meta->info->api == face_meta_api_get_type()) return FALSE;
  return GST_BASE_TRANSFORM_CLASS(reenact_crop_parent_class)->transform_meta(base, out, meta, in);
}

double seconds_of(const GstVideoInfo& info, GstBuffer* buffer, guint64 frame) {
  if (GST_BUFFER_PTS_IS_VALID(buffer)) return double(GST_BUFFER_PTS(buffer)) / GST_SECOND;
  const double rate = GST_VIDEO_INFO_FPS_N(&info) > 0
                          ? double(GST_VIDEO_INFO_FPS_N(&info)) / GST_VIDEO_INFO_FPS_D(&info)
                          : 30;
  return double(frame) / rate;
}

void fill_meta(FaceMeta& meta, const ReenactCrop& self, const TrackedFace& face, const cv::Rect& window) {
  // Back from square pixels to those of the frame.
  const double scale = double(GST_VIDEO_INFO_WIDTH(&self.parent.in_info)) / self.p->square_width;
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
  GstStructure* structure = gst_structure_new(
      "reenact-face", "timestamp", G_TYPE_UINT64, pts, "stream-time", G_TYPE_UINT64,
      stream_time(base->segment, pts), "running-time", G_TYPE_UINT64, running_time(base->segment, pts),
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

/// Whether a live frame is left out, since the machine is too slow for all of them.
bool shed(ReenactNetworkFilter* filter, GstBuffer* buffer) {
  auto* base = GST_BASE_TRANSFORM(filter);
  const ProcessingLatency& latency = network_filter_latency(filter);
  if (!latency.live() || !GST_BUFFER_PTS_IS_VALID(buffer)) return false;
  const GstClockTime time = running_time(base->segment, GST_BUFFER_PTS(buffer)),
                     now = gst_element_get_current_running_time(GST_ELEMENT(filter));
  if (!GST_CLOCK_TIME_IS_VALID(time) || !GST_CLOCK_TIME_IS_VALID(now)) return false;
  LoadShedding& shedding = self_of(filter)->p->shedding;
  if (shedding.too_late(time, now, latency.upstream(), GST_BUFFER_DURATION(buffer))) {
    network_filter_post_qos(filter, buffer, GST_CLOCK_DIFF(time + latency.upstream(), now));
    return true;
  }
  return false;
}

/// Tells the debug log when a face comes and goes.
void log_face(ReenactCrop* self, const std::optional<TrackedFace>& face) {
  ReenactCrop::Private& p = *self->p;
  if (face && (!p.following || face->track_id != p.last_face->track_id)) {
    GST_DEBUG_OBJECT(self, "Face %u found at (%.0f, %.0f) to (%.0f, %.0f), score %.3f", face->track_id,
                     face->box.left, face->box.top, face->box.right, face->box.bottom, face->box.score);
  } else if (!face && p.following) {
    GST_DEBUG_OBJECT(self, "Face %u lost", p.last_face->track_id);
  }
}

/// Warns of a stream with hardly a face, which otherwise shows but its background; details carry the counts.
void warn_of_no_face(ReenactCrop* self, const std::optional<std::string>& sentence) {
  if (!sentence) return;
  GstElement* element = GST_ELEMENT(self);
  const FaceTally& tally = self->p->tally;
  GST_ELEMENT_WARNING_WITH_DETAILS(element, STREAM, FAILED, ("%s", sentence->c_str()), (nullptr),
                                   ("frames", G_TYPE_UINT64, guint64(tally.frames()), "frames-with-face",
                                    G_TYPE_UINT64, guint64(tally.frames_with_face()), nullptr));
}

Processed process(ReenactNetworkFilter* filter, GstBuffer* in, GstBuffer* out) {
  ReenactCrop* self = self_of(filter);
  ReenactCrop::Private& p = *self->p;
  auto* base = GST_BASE_TRANSFORM(self);
  const CropSettings settings = current_settings(filter);
  if (shed(filter, in)) return {drop_frame(base, in), false, true};
  const RgbPicture picture = p.reader.read(in);
  FaceFinder::Options finder_options = settings.finder;
  finder_options.in_background =
      settings.background_search == BackgroundSearch::always ||
      (settings.background_search == BackgroundSearch::live && network_filter_latency(filter).live());
  p.finder->set_options(finder_options);
  const double seconds = seconds_of(filter->in_info, in, p.frames++);
  const auto face = p.finder->find(picture.mat(), seconds);
  log_face(self, face);
  warn_of_no_face(self, p.tally.count(face.has_value(), seconds));
  p.following = face.has_value();
  if (face) p.last_face = face;

  FaceMeta* meta = add_face_meta(out, in, &filter->in_info);
  if (p.frame_caps) meta->frame_caps = gst_caps_ref(p.frame_caps.get());
  meta->largest_face = float(p.finder->largest_seen());
  if (face) {
    if (face->detected) meta->flags = face_detected;
  } else {
    meta->flags = face_missing;
    if (settings.no_face == NoFace::hold && p.last_face) meta->flags |= face_held;
    if (settings.no_face == NoFace::black) meta->flags |= face_blackout;
  }
  const bool shows_face = face || (meta->flags & face_held);
  const int size = GST_VIDEO_INFO_WIDTH(&filter->out_info);
  {
    MappedFrame target(filter->out_info, out, GST_MAP_WRITE);
    cv::Mat crop = target.mat(CV_8UC3);
    if (shows_face) {
      cut(picture.mat(), p.last_face->box, size, settings).copyTo(crop);
    } else {
      crop.setTo(cv::Scalar::all(gray));
    }
  }
  if (shows_face) {
    fill_meta(*meta, *self, *p.last_face, crop_window(p.last_face->box, settings.crop_scale));
    add_region_of_interest(out, *meta, meta->crop, size, size);
  } else {
    GST_BUFFER_FLAG_SET(out, GST_BUFFER_FLAG_GAP);
  }
  GST_BUFFER_FLAG_UNSET(out, GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_TFF |
                                 GST_VIDEO_BUFFER_FLAG_RFF | GST_VIDEO_BUFFER_FLAG_ONEFIELD);
  if (settings.post_messages) post_face_message(base, in, *meta);
  if (!face && settings.no_face == NoFace::drop) return {drop_frame(base, in)};
  p.shedding.pushed(running_time(base->segment, GST_BUFFER_PTS(in)),
                    gst_element_get_current_running_time(GST_ELEMENT(base)));
  return {};
}

gboolean sink_event(GstBaseTransform* base, GstEvent* event) {
  ReenactCrop::Private& p = *self_of(base)->p;
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_STOP:
      p.forget_faces();
      p.tally.reset();
      p.shedding.reset();
      break;
    case GST_EVENT_STREAM_START:
      p.tally.reset();
      break;
    case GST_EVENT_EOS:
      warn_of_no_face(self_of(base), p.tally.at_end());
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS(reenact_crop_parent_class)->sink_event(base, event);
}

gboolean src_event(GstBaseTransform* base, GstEvent* event) {
  const GstClockTime begun = parse_begun_event(event);
  if (GST_CLOCK_TIME_IS_VALID(begun)) {
    self_of(base)->p->shedding.begun(begun);
    gst_event_unref(event);
    return TRUE;
  }
  // It ends here like the one above: what lies upstream may be another chain's crop.
  if (const auto picture = parse_drawn_event(event)) {
    self_of(base)->p->shedding.drawn(picture->running_time, picture->late);
    network_filter_latency(&self_of(base)->parent).leave_growth();
    gst_event_unref(event);
    return TRUE;
  }
  return GST_BASE_TRANSFORM_CLASS(reenact_crop_parent_class)->src_event(base, event);
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
  ReenactNetworkFilterClass* filter_class = &klass->parent_class;
  GST_DEBUG_CATEGORY_INIT(reenact_crop_debug, "reenactcrop", 0, "Face detection and cropping");
  filter_class->category = reenact_crop_debug;
  object_class->notify = notify;
  object_class->finalize = finalize;
  network_filter_install_properties(filter_class, "The S3FD face detector", "detector.safetensors");
  network_filter_install_settings<crop_properties, settings_of>(filter_class);
  describe_element(element_class,
                   {"Face cropper", "Filter/Analyzer/Effect/Video",
                    "Finds and follows a face and cuts it out as the reenactment networks expect it"},
                   {&sink_template, &src_template});
  filter_class->load = load;
  filter_class->rehearse = rehearse;
  filter_class->unload = unload;
  filter_class->caps_for = caps_for;
  filter_class->configure = configure;
  filter_class->process = process;
  transform_class->fixate_caps = fixate_caps;
  transform_class->transform_meta = transform_meta;
  transform_class->sink_event = sink_event;
  transform_class->src_event = src_event;
}

static void reenact_crop_init(ReenactCrop* self) {
  self->p = new ReenactCrop::Private;
}

}  // namespace reenact
