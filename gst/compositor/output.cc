// SPDX-License-Identifier: LGPL-2.1-or-later
#include "output_metas.h"

#include "face_meta.h"

namespace reenact {
namespace {

gboolean copy_independent(GstBuffer* source, GstMeta** meta, gpointer target) {
  const GstMetaInfo* info = (*meta)->info;
  if (info->api != face_meta_api_get_type() && meta_is_independent_of_picture(info) && info->transform_func) {
    GstMetaTransformCopy all{FALSE, 0, gsize(-1)};
    info->transform_func(static_cast<GstBuffer*>(target), *meta, source, _gst_meta_transform_copy, &all);
  }
  return TRUE;
}

struct Scaling {
  GstBuffer* target;
  GstVideoMetaTransform sizes;
};

gboolean copy_region(GstBuffer* source, GstMeta** meta, gpointer data) {
  auto& scaling = *static_cast<Scaling*>(data);
  const GstMetaInfo* info = (*meta)->info;
  if (info->api == GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE) {
    info->transform_func(scaling.target, *meta, source, gst_video_meta_transform_scale_get_quark(),
                         &scaling.sizes);
  }
  return TRUE;
}

}  // namespace

void copy_metas_to_output(GstBuffer* head, GstBuffer* out, const GstVideoInfo& out_info) {
  gst_buffer_foreach_meta(head, copy_independent, out);
  const FaceMeta* face = get_face_meta(head);
  if (!face) return;
  GstVideoInfo frame_info;
  if (face->frame && face->frame_caps && gst_video_info_from_caps(&frame_info, face->frame_caps)) {
    GstVideoInfo out_size = out_info;
    Scaling scaling{out, {&frame_info, &out_size}};
    gst_buffer_foreach_meta(face->frame, copy_region, &scaling);
  }
  add_region_of_interest(out, *face, cv::Rect(0, 0, face->frame_width, face->frame_height),
                         GST_VIDEO_INFO_WIDTH(&out_info), GST_VIDEO_INFO_HEIGHT(&out_info));
}

}  // namespace reenact
