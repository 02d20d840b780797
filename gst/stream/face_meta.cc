// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream/face_meta.h"

#ifdef REENACT_HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>
#endif

#include <algorithm>
#include <cmath>

namespace reenact {
namespace {

gboolean init_meta(GstMeta* meta, gpointer, GstBuffer*) {
  auto* face = reinterpret_cast<FaceMeta*>(meta);
  gst_video_info_init(&face->frame_info);
  face->box = {};
  face->crop = {};
  face->track_id = face->flags = 0;
  face->largest_face = 0;
  face->frame = nullptr;
  face->frame_caps = nullptr;
  return TRUE;
}

void free_meta(GstMeta* meta, GstBuffer*) {
  auto* face = reinterpret_cast<FaceMeta*>(meta);
  gst_clear_buffer(&face->frame);
  gst_clear_caps(&face->frame_caps);
}

gboolean transform_meta(GstBuffer* destination, GstMeta* meta, GstBuffer*, GQuark type, gpointer) {
  if (!GST_META_TRANSFORM_IS_COPY(type) && !GST_VIDEO_META_TRANSFORM_IS_SCALE(type)) return FALSE;
  // Some elements ask for the scaled copy and then for a plain one as well.
  if (get_face_meta(destination)) return TRUE;
  const auto* source = reinterpret_cast<const FaceMeta*>(meta);
  FaceMeta* copy = add_face_meta(destination, source->frame, &source->frame_info);
  if (source->frame_caps) copy->frame_caps = gst_caps_ref(source->frame_caps);
  copy->box = source->box;
  copy->crop = source->crop;
  copy->track_id = source->track_id;
  copy->flags = source->flags;
  copy->largest_face = source->largest_face;
  return TRUE;
}

const GstMetaInfo* face_meta_info() {
  static const GstMetaInfo* info = gst_meta_register(face_meta_api_get_type(), "ReenactFaceMeta",
                                                     sizeof(FaceMeta), init_meta, free_meta, transform_meta);
  return info;
}

/// The box as an object detection of GStreamer's analytics library, from 1.24 on.
void add_analytics([[maybe_unused]] GstBuffer* buffer, [[maybe_unused]] const cv::Rect& box,
                   [[maybe_unused]] float score) {
#ifdef REENACT_HAVE_GST_ANALYTICS
  GstAnalyticsRelationMeta* relations = gst_buffer_get_analytics_relation_meta(buffer);
  if (!relations) relations = gst_buffer_add_analytics_relation_meta(buffer);
  GstAnalyticsODMtd detection;
  gst_analytics_relation_meta_add_od_mtd(relations, g_quark_from_static_string("face"), box.x, box.y,
                                         box.width, box.height, score, &detection);
#endif
}

}  // namespace

GType face_meta_api_get_type() {
  static const gchar* tags[] = {nullptr};
  static const GType type = gst_meta_api_type_register("ReenactFaceMetaAPI", tags);
  return type;
}

FaceMeta* add_face_meta(GstBuffer* buffer, GstBuffer* frame, const GstVideoInfo* frame_info) {
  auto* face = reinterpret_cast<FaceMeta*>(gst_buffer_add_meta(buffer, face_meta_info(), nullptr));
  if (frame) face->frame = gst_buffer_ref(frame);
  if (frame_info) face->frame_info = *frame_info;
  return face;
}

FaceMeta* get_face_meta(GstBuffer* buffer) {
  return reinterpret_cast<FaceMeta*>(gst_buffer_get_meta(buffer, face_meta_api_get_type()));
}

cv::Size frame_size(const FaceMeta& meta) {
  return {GST_VIDEO_INFO_WIDTH(&meta.frame_info), GST_VIDEO_INFO_HEIGHT(&meta.frame_info)};
}

double largest_face(const FaceMeta& meta) {
  const float followed = std::max(meta.box.width(), meta.box.height());
  return std::isfinite(followed) ? std::max(followed, meta.largest_face) : meta.largest_face;
}

bool is_faceless(GstBuffer* buffer) {
  if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP)) return true;
  const FaceMeta* face = get_face_meta(buffer);
  return face && (face->flags & face_missing) && !(face->flags & face_held);
}

void add_region_of_interest(GstBuffer* buffer, const FaceMeta& meta, const cv::Rect& shown, int width,
                            int height) {
  if ((meta.flags & face_missing) || shown.width <= 0 || shown.height <= 0) return;
  const double scale_x = double(width) / shown.width, scale_y = double(height) / shown.height;
  const int left = std::clamp(int(std::lround((meta.box.left - shown.x) * scale_x)), 0, width);
  const int top = std::clamp(int(std::lround((meta.box.top - shown.y) * scale_y)), 0, height);
  const int right = std::clamp(int(std::lround((meta.box.right - shown.x) * scale_x)), 0, width);
  const int bottom = std::clamp(int(std::lround((meta.box.bottom - shown.y) * scale_y)), 0, height);
  if (right <= left || bottom <= top) return;
  auto* region =
      gst_buffer_add_video_region_of_interest_meta(buffer, "face", left, top, right - left, bottom - top);
  gst_video_region_of_interest_meta_add_param(
      region,
      gst_structure_new("reenact-face", "score", G_TYPE_DOUBLE, double(meta.box.score), "track-id",
                        G_TYPE_UINT, meta.track_id, "left", G_TYPE_DOUBLE, double(meta.box.left), "top",
                        G_TYPE_DOUBLE, double(meta.box.top), "right", G_TYPE_DOUBLE, double(meta.box.right),
                        "bottom", G_TYPE_DOUBLE, double(meta.box.bottom), nullptr));
  add_analytics(buffer, cv::Rect(left, top, right - left, bottom - top), meta.box.score);
}

bool meta_is_independent_of_picture(const GstMetaInfo* info) {
  for (const char* tag : {GST_META_TAG_MEMORY_STR, GST_META_TAG_VIDEO_SIZE_STR,
                          GST_META_TAG_VIDEO_ORIENTATION_STR, GST_META_TAG_VIDEO_COLORSPACE_STR}) {
    if (gst_meta_api_type_has_tag(info->api, g_quark_from_string(tag))) return false;
  }
  return true;
}

}  // namespace reenact
