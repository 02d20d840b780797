// SPDX-License-Identifier: LGPL-2.1-or-later
#include "compositor/output_shape.h"

#include "stream/face_meta.h"

namespace reenact {
namespace {

OutputShape shape_of(const GstVideoInfo& info) {
  return {GST_VIDEO_INFO_WIDTH(&info), GST_VIDEO_INFO_HEIGHT(&info), GST_VIDEO_INFO_PAR_N(&info),
          GST_VIDEO_INFO_PAR_D(&info)};
}

}  // namespace

OutputShape output_shape_for(GstBuffer* head, const GstVideoInfo& head_info,
                             const GstVideoInfo& background_info) {
  const FaceMeta* face = get_face_meta(head);
  if (face && !frame_size(*face).empty()) return shape_of(face->frame_info);
  if (GST_VIDEO_INFO_WIDTH(&background_info) > 0) return shape_of(background_info);
  return {GST_VIDEO_INFO_WIDTH(&head_info), GST_VIDEO_INFO_HEIGHT(&head_info)};
}

GstCaps* output_caps_for(const OutputShape& shape, const GstVideoInfo& head_info, bool transparent,
                         GstCaps* downstream) {
  GstCaps* wanted =
      gst_caps_from_string(transparent ? GST_VIDEO_CAPS_MAKE("RGBA") : GST_VIDEO_CAPS_MAKE("{ RGB, RGBA }"));
  gst_caps_set_simple(wanted, "framerate", GST_TYPE_FRACTION, GST_VIDEO_INFO_FPS_N(&head_info),
                      GST_VIDEO_INFO_FPS_D(&head_info), nullptr);
  GstCaps* any_shape = gst_caps_copy(wanted);
  gst_caps_set_simple(wanted, "width", G_TYPE_INT, shape.width, "height", G_TYPE_INT, shape.height,
                      "pixel-aspect-ratio", GST_TYPE_FRACTION, shape.par_n, shape.par_d, nullptr);
  GstCaps* result = gst_caps_intersect_full(wanted, downstream, GST_CAPS_INTERSECT_FIRST);
  if (gst_caps_is_empty(result)) {
    gst_caps_unref(result);
    result = gst_caps_intersect_full(any_shape, downstream, GST_CAPS_INTERSECT_FIRST);
  }
  gst_caps_unref(wanted);
  gst_caps_unref(any_shape);
  return result;
}

GstCaps* fixate_output_caps(GstCaps* caps, const OutputShape& shape) {
  caps = gst_caps_make_writable(gst_caps_truncate(caps));
  GstStructure* structure = gst_caps_get_structure(caps, 0);
  gst_structure_fixate_field_nearest_int(structure, "width", shape.width);
  gst_structure_fixate_field_nearest_int(structure, "height", shape.height);
  return gst_caps_fixate(caps);
}

}  // namespace reenact
