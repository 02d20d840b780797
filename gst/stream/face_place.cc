// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream/face_place.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace reenact {
namespace {

constexpr float version = 1;
constexpr gsize place_bytes = place_size * sizeof(float);
using Place = std::array<float, place_size>;

Place place_of(const FaceMeta& face) {
  const GstVideoInfo& info = face.frame_info;
  const cv::Size frame = frame_size(face);
  return {version,
          float(face.flags),
          float(face.track_id),
          float(face.crop.x),
          float(face.crop.y),
          float(face.crop.width),
          float(face.crop.height),
          float(frame.width),
          float(frame.height),
          float(GST_VIDEO_INFO_PAR_N(&info)),
          float(GST_VIDEO_INFO_PAR_D(&info)),
          face.box.left,
          face.box.top,
          face.box.right,
          face.box.bottom,
          face.box.score,
          face.largest_face};
}

/// Whether the numbers may have come from place_of(): they come from the wire.
bool makes_sense(const Place& place) {
  constexpr float farthest = 1 << 20;
  if (place[0] != version) return false;
  if (!std::ranges::all_of(place, [](float value) { return std::isfinite(value); })) return false;
  const auto whole = [&](int first, int last, float least, float most) {
    return std::all_of(place.begin() + first, place.begin() + last + 1, [&](float value) {
      return value == std::trunc(value) && value >= least && value <= most;
    });
  };
  return whole(1, 1, 0, face_detected | face_missing | face_held | face_blackout) &&
         whole(2, 2, 0, 1 << 30) && whole(3, 4, -farthest, farthest) && whole(5, 6, 0, farthest) &&
         whole(7, 8, 0, 32768) && whole(9, 10, 1, farthest) &&
         std::all_of(place.begin() + 11, place.end(),
                     [&](float value) { return std::abs(value) <= farthest; });
}

void fill_meta(const Place& place, FaceMeta& face) {
  face.flags = guint(place[1]);
  face.track_id = guint(place[2]);
  face.crop = {int(place[3]), int(place[4]), int(place[5]), int(place[6])};
  face.box = {place[11], place[12], place[13], place[14], place[15]};
  face.largest_face = place[16];
}

}  // namespace

void set_place(GstBuffer* pose, int pose_size) {
  gst_buffer_resize(pose, 0, gssize(pose_size) * gssize(sizeof(float)));
  Place place{};
  if (const FaceMeta* face = get_face_meta(pose)) place = place_of(*face);
  GstMemory* memory = gst_allocator_alloc(nullptr, place_bytes, nullptr);
  gst_buffer_append_memory(pose, memory);
  gst_buffer_fill(pose, gsize(pose_size) * sizeof(float), place.data(), place_bytes);
}

void add_face_meta_of_place(GstBuffer* pose, int pose_size, GstBuffer* to) {
  const gsize before = gsize(pose_size) * sizeof(float);
  Place place;
  if (get_face_meta(to) || gst_buffer_get_size(pose) != before + place_bytes) return;
  if (gst_buffer_extract(pose, before, place.data(), place_bytes) != place_bytes || !makes_sense(place))
    return;
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_RGB, guint(place[7]), guint(place[8]));
  GST_VIDEO_INFO_PAR_N(&info) = int(place[9]);
  GST_VIDEO_INFO_PAR_D(&info) = int(place[10]);
  fill_meta(place, *add_face_meta(to, nullptr, &info));
}

GstBuffer* with_face_meta(GstBuffer* pose, int pose_size) {
  if (get_face_meta(pose) || gst_buffer_get_size(pose) <= gsize(pose_size) * sizeof(float)) return pose;
  pose = gst_buffer_make_writable(pose);
  add_face_meta_of_place(pose, pose_size, pose);
  return pose;
}

}  // namespace reenact
