// SPDX-License-Identifier: LGPL-2.1-or-later
#include "poses/pose_frame.h"

#include <algorithm>

#include "base/glib.h"
#include "reenact/crop.h"
#include "stream/face_place.h"
#include "stream/pose_buffer.h"

namespace reenact {
namespace {

void add_placement(GstBuffer* buffer, const PoseFrame& frame) {
  const FacePlacement& placement = *frame.placement;
  GstVideoInfo info;
  gst_video_info_init(&info);
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_RGB, guint(std::max(placement.frame.width, 0)),
                            guint(std::max(placement.frame.height, 0)));
  FaceMeta* meta = add_face_meta(buffer, nullptr, &info);
  meta->crop = placement.crop;
  meta->track_id = frame.face;
  if (frame.pose.empty()) {
    meta->flags = face_missing;
  } else {
    meta->flags = placement.found ? face_detected : face_missing | face_held;
  }
  const double side = placement.crop.width / paper_crop_scale,
               height = placement.crop.height / paper_crop_scale;
  const double middle_x = placement.crop.x + placement.crop.width / 2.0,
               middle_y = placement.crop.y + placement.crop.height / 2.0;
  meta->box.left = float(middle_x - side / 2);
  meta->box.right = float(middle_x + side / 2);
  meta->box.top = float(middle_y - height / 2);
  meta->box.bottom = float(middle_y + height / 2);
  meta->box.score = placement.found && !frame.pose.empty() ? 1.0f : 0.0f;
}

}  // namespace

std::optional<FacePlacement> placement_of(const FaceMeta& meta) {
  const cv::Size frame = frame_size(meta);
  if (meta.crop.width <= 0 || meta.crop.height <= 0 || frame.width <= 0 || frame.height <= 0) return {};
  return FacePlacement{meta.crop, frame, !(meta.flags & face_missing)};
}

PoseFrame read_pose_frame(GstBuffer* given, int size) {
  const Owned<GstBuffer> owned(with_face_meta(gst_buffer_ref(given), size));
  GstBuffer* buffer = owned.get();
  PoseFrame frame;
  if (const FaceMeta* meta = get_face_meta(buffer)) {
    frame.placement = placement_of(*meta);
    frame.face = meta->track_id;
  }
  if (is_faceless(buffer)) return frame;
  const MappedPose pose(buffer, size, GST_MAP_READ);
  frame.pose.assign(pose.values().begin(), pose.values().end());
  return frame;
}

GstBuffer* new_pose_buffer(const PoseFrame& frame, int size) {
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, gsize(size) * sizeof(float), nullptr);
  if (frame.pose.empty()) {
    gst_buffer_memset(buffer, 0, 0, gst_buffer_get_size(buffer));
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_GAP);
  } else {
    gst_buffer_fill(buffer, 0, frame.pose.data(), frame.pose.size() * sizeof(float));
  }
  if (frame.placement) add_placement(buffer, frame);
  return buffer;
}

}  // namespace reenact
