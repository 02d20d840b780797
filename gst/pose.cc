// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-reenactpose
 * @title: reenactpose
 *
 * Turns face crops into latent pose descriptors, tensors of 32-bit floats in NNStreamer's caps: the pose and, unless
 * downstream wants one tensor alone, where the face lay.
 *
 *     gst-launch-1.0 v4l2src ! videoconvert ! reenactcrop ! reenactpose ! fakesink dump=true
 *
 * Since: 0.1
 */
#include <gst/video/video.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "base/element_description.h"
#include "base/network_filter.h"
#include "elements.h"
#include "stream/face_meta.h"
#include "stream/face_place.h"
#include "stream/pose_buffer.h"
#include "stream/video_frame.h"

GST_DEBUG_CATEGORY_STATIC(reenact_pose_debug);
#define GST_CAT_DEFAULT reenact_pose_debug

namespace reenact {

struct ReenactPose {
  struct Private;
  ReenactNetworkFilter parent;
  Private* p;
};
struct ReenactPoseClass {
  ReenactNetworkFilterClass parent_class;
};

namespace {

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                                                             GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("RGB")));
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(REENACT_POSE_CAPS));

}  // namespace

struct ReenactPose::Private {
  std::unique_ptr<PoseEncoder> encoder;
  std::atomic<int> image_size = 0, pose_size = 0;  // of encoder, for queries from any thread; 0: none
  std::vector<float> last_pose;                    // empty before the first face
  bool placed = false;                             // whether where the face lay stands behind each pose
};

GST_ELEMENT_REGISTER_DEFINE(reenactpose, "reenactpose", GST_RANK_NONE, reenact_pose_get_type())
G_DEFINE_TYPE(ReenactPose, reenact_pose, reenact_network_filter_get_type())

namespace {

ReenactPose* self_of(gpointer object) {
  return reinterpret_cast<ReenactPose*>(object);
}

const Network& load(ReenactNetworkFilter* filter, const std::filesystem::path& model,
                    const EngineOptions& options) {
  ReenactPose::Private& p = *self_of(filter)->p;
  p.encoder = load_pose_encoder(model, options);
  p.image_size = p.encoder->image_size();
  p.pose_size = p.encoder->embedding_size();
  return *p.encoder;
}

Rehearsal rehearse(ReenactNetworkFilter* filter) {
  PoseEncoder& encoder = *self_of(filter)->p->encoder;
  const cv::Mat crop(encoder.image_size(), encoder.image_size(), CV_8UC3, cv::Scalar(150, 120, 100));
  return {"encodes",
          [&encoder, crop, pose = std::vector<float>(std::size_t(encoder.embedding_size()))]() mutable {
            encoder.encode(crop, pose);
          }};
}

void unload(ReenactNetworkFilter* filter) {
  ReenactPose::Private& p = *self_of(filter)->p;
  p.image_size = p.pose_size = 0;
  p.encoder.reset();
  p.last_pose.clear();
}

GstCaps* caps_for(ReenactNetworkFilter* filter, GstPadDirection direction) {
  const ReenactPose::Private& p = *self_of(filter)->p;
  if (direction == GST_PAD_SRC) {
    const int size = p.pose_size;
    return size > 0 ? new_placed_pose_caps(size) : gst_static_pad_template_get_caps(&src_template);
  }
  GstCaps* caps = gst_static_pad_template_get_caps(&sink_template);
  const int size = p.image_size;
  if (size == 0) return caps;
  caps = gst_caps_make_writable(caps);
  gst_caps_set_simple(caps, "width", G_TYPE_INT, size, "height", G_TYPE_INT, size, nullptr);
  return caps;
}

gboolean configure(ReenactNetworkFilter* filter, GstCaps*, GstCaps* out) {
  self_of(filter)->p->placed = have_places(out);
  return TRUE;
}

/// The pose of the face in `in`; whether the network ran for it.
bool encode(ReenactNetworkFilter* filter, GstBuffer* in, GstBuffer* out) {
  ReenactPose::Private& p = *self_of(filter)->p;
  const FaceMeta* face = get_face_meta(in);
  const bool nobody = is_faceless(in);
  // A held crop shows whatever stands now where the face was; the pose it had is the better guess.
  const bool held = face && (face->flags & face_held);

  const MappedPose pose(out, p.encoder->embedding_size(), GST_MAP_WRITE);
  if (nobody || (held && p.last_pose.empty())) {
    std::fill(pose.values().begin(), pose.values().end(), 0.0f);
    GST_BUFFER_FLAG_SET(out, GST_BUFFER_FLAG_GAP);
    return false;
  }
  if (held) {
    std::copy(p.last_pose.begin(), p.last_pose.end(), pose.values().begin());
    return false;
  }
  MappedFrame crop(filter->in_info, in, GST_MAP_READ);
  p.encoder->encode(crop.mat(CV_8UC3), pose.values());
  p.last_pose.assign(pose.values().begin(), pose.values().end());
  return true;
}

Processed process(ReenactNetworkFilter* filter, GstBuffer* in, GstBuffer* out) {
  const bool ran = encode(filter, in, out);
  const ReenactPose::Private& p = *self_of(filter)->p;
  if (p.placed) set_place(out, p.encoder->embedding_size());
  return {.network_ran = ran};
}

gboolean sink_event(GstBaseTransform* base, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) self_of(base)->p->last_pose.clear();
  return GST_BASE_TRANSFORM_CLASS(reenact_pose_parent_class)->sink_event(base, event);
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_pose_parent_class)->finalize(object);
}

}  // namespace

static void reenact_pose_class_init(ReenactPoseClass* klass) {
  auto* element_class = GST_ELEMENT_CLASS(klass);
  ReenactNetworkFilterClass* filter_class = &klass->parent_class;
  GST_DEBUG_CATEGORY_INIT(reenact_pose_debug, "reenactpose", 0, "Pose encoder");
  filter_class->category = reenact_pose_debug;
  G_OBJECT_CLASS(klass)->finalize = finalize;
  network_filter_install_properties(filter_class, "The reenactor whose pose encoder runs",
                                    "reenactor.safetensors");
  describe_element(element_class,
                   {"Pose encoder", "Filter/Analyzer/Video", "Turns face crops into latent pose descriptors"},
                   {&sink_template, &src_template});
  filter_class->load = load;
  filter_class->rehearse = rehearse;
  filter_class->unload = unload;
  filter_class->caps_for = caps_for;
  filter_class->configure = configure;
  filter_class->process = process;
  GST_BASE_TRANSFORM_CLASS(klass)->sink_event = sink_event;
}

static void reenact_pose_init(ReenactPose* self) {
  self->p = new ReenactPose::Private;
}

}  // namespace reenact
