// SPDX-License-Identifier: LGPL-2.1-or-later
#include "compositor/output_shape.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/glib.h"
#include "compositor/pixel_space.h"
#include "stream/face_meta.h"

namespace reenact {
namespace {

OutputShape shape_of(const GstVideoInfo& info, GstCaps* caps) {
  OutputShape shape{GST_VIDEO_INFO_WIDTH(&info), GST_VIDEO_INFO_HEIGHT(&info), GST_VIDEO_INFO_PAR_N(&info),
                    GST_VIDEO_INFO_PAR_D(&info), GST_VIDEO_INFO_FORMAT(&info), {}};
  if (caps) shape.caps = {gst_caps_ref(caps), gst_caps_unref};
  return shape;
}

enum class Family { rgb, yuv, gray };

Family family_of(const GstVideoFormatInfo* format) {
  if (GST_VIDEO_FORMAT_INFO_IS_GRAY(format)) return Family::gray;
  return GST_VIDEO_FORMAT_INFO_IS_YUV(format) ? Family::yuv : Family::rgb;
}

/// How far a format is from the one wanted; formats of one rank are given out in GStreamer's own order.
int rank_of(const GstVideoFormatInfo* format, const GstVideoFormatInfo* wanted, Alpha alpha) {
  const GstVideoFormat id = GST_VIDEO_FORMAT_INFO_FORMAT(format);
  const bool plain = id == GST_VIDEO_FORMAT_RGB || id == GST_VIDEO_FORMAT_RGBA;
  if (alpha == Alpha::needed || !wanted) return id == GST_VIDEO_FORMAT_RGB ? 0 : plain ? 1 : 2;
  if (format == wanted) return 0;
  const bool alike = family_of(format) == family_of(wanted);
  if (GST_VIDEO_FORMAT_INFO_DEPTH(wanted, 0) > 8) {
    if (GST_VIDEO_FORMAT_INFO_DEPTH(format, 0) > 8) return alike ? 1 : 2;
    return plain ? 3 : 4;
  }
  return plain ? 1 : alike ? 2 : 3;
}

/// The fields of the driver's caps that say what its numbers mean and that stay true of the output.
void add_color_fields(GstStructure* structure, const OutputShape& shape, const GstVideoFormatInfo* driver,
                      Family family) {
  const GstStructure* source = shape.caps ? gst_caps_get_structure(shape.caps.get(), 0) : nullptr;
  if (!source) return;
  for (const char* name : {"mastering-display-info", "content-light-level", "interlace-mode"}) {
    const GValue* value = gst_structure_get_value(source, name);
    if (value) gst_structure_set_value(structure, name, value);
  }
  const char* colorimetry = gst_structure_get_string(source, "colorimetry");
  GstVideoColorimetry colors;
  if (!driver || !colorimetry || !gst_video_colorimetry_from_string(&colors, colorimetry)) return;
  const Family driver_family = family_of(driver);
  if (family == driver_family) {
    gst_structure_set(structure, "colorimetry", G_TYPE_STRING, colorimetry, nullptr);
  } else if (family == Family::rgb && driver_family == Family::yuv) {
    colors.range = GST_VIDEO_COLOR_RANGE_0_255;
    colors.matrix = GST_VIDEO_COLOR_MATRIX_RGB;
    gchar* text = gst_video_colorimetry_to_string(&colors);
    gst_structure_set(structure, "colorimetry", G_TYPE_STRING, text, nullptr);
    g_free(text);
  }
}

/// Caps of every format that is given out, the nearest to the driver's first.
GstCaps* wanted_caps(const OutputShape& shape, Alpha alpha, bool with_colors) {
  const GstVideoFormatInfo* driver =
      shape.format == GST_VIDEO_FORMAT_UNKNOWN ? nullptr : gst_video_format_get_info(shape.format);
  std::map<std::pair<int, Family>, std::vector<const GstVideoFormatInfo*>> ranks;
  guint count = 0;
  const GstVideoFormat* formats = gst_video_formats_raw(&count);
  for (guint i = 0; i < count; ++i) {
    const GstVideoFormatInfo* format = gst_video_format_get_info(formats[i]);
    if (!PixelSpace::takes(formats[i])) continue;
    if (alpha == Alpha::needed && !GST_VIDEO_FORMAT_INFO_HAS_ALPHA(format)) continue;
    ranks[{rank_of(format, driver, alpha), family_of(format)}].push_back(format);
  }
  GstCaps* caps = gst_caps_new_empty();
  for (const auto& [key, group] : ranks) {
    GstStructure* structure = gst_structure_new_empty("video/x-raw");
    GValue list = G_VALUE_INIT, name = G_VALUE_INIT;
    g_value_init(&list, GST_TYPE_LIST);
    g_value_init(&name, G_TYPE_STRING);
    for (const GstVideoFormatInfo* format : group) {
      g_value_set_static_string(&name, GST_VIDEO_FORMAT_INFO_NAME(format));
      gst_value_list_append_value(&list, &name);
    }
    gst_structure_set_value(structure, "format", group.size() == 1 ? &name : &list);
    g_value_unset(&list);
    g_value_unset(&name);
    if (with_colors) {
      add_color_fields(structure, shape, driver, key.second);
      const GstStructure* source = shape.caps ? gst_caps_get_structure(shape.caps.get(), 0) : nullptr;
      const GValue* site = source ? gst_structure_get_value(source, "chroma-site") : nullptr;
      if (site && key.first == 0 && group.front() == driver)
        gst_structure_set_value(structure, "chroma-site", site);
    }
    gst_caps_append_structure(caps, structure);
  }
  return caps;
}

/// The first of `downstream`'s structures that takes one of `wanted`, with the first of these that it takes.
GstCaps* first_common(GstCaps* wanted, GstCaps* downstream) {
  for (guint i = 0; i < gst_caps_get_size(downstream); ++i) {
    const Owned<GstCaps> one(gst_caps_copy_nth(downstream, i));
    GstCaps* common = gst_caps_intersect_full(wanted, one.get(), GST_CAPS_INTERSECT_FIRST);
    if (!gst_caps_is_empty(common)) return common;
    gst_caps_unref(common);
  }
  return gst_caps_new_empty();
}

}  // namespace

bool OutputShape::operator==(const OutputShape& other) const {
  if (width != other.width || height != other.height || par_n != other.par_n || par_d != other.par_d ||
      format != other.format || bool(caps) != bool(other.caps)) {
    return false;
  }
  return caps == other.caps || caps.get() == other.caps.get() ||
         gst_caps_is_equal(caps.get(), other.caps.get());
}

OutputShape output_shape_for(GstBuffer* head, const GstVideoInfo& head_info, GstCaps* background) {
  const FaceMeta* face = get_face_meta(head);
  GstVideoInfo info;
  if (face && !frame_size(*face).empty()) return shape_of(face->frame_info, face->frame_caps);
  if (background && gst_video_info_from_caps(&info, background)) return shape_of(info, background);
  OutputShape own;
  own.width = GST_VIDEO_INFO_WIDTH(&head_info);
  own.height = GST_VIDEO_INFO_HEIGHT(&head_info);
  return own;
}

GstCaps* output_caps_for(const OutputShape& shape, const GstVideoInfo& head_info, Alpha alpha,
                         GstCaps* downstream) {
  for (const bool with_shape : {true, false}) {
    for (const bool with_colors : {true, false}) {
      const Owned<GstCaps> wanted(wanted_caps(shape, alpha, with_colors));
      gst_caps_set_simple(wanted.get(), "framerate", GST_TYPE_FRACTION, GST_VIDEO_INFO_FPS_N(&head_info),
                          GST_VIDEO_INFO_FPS_D(&head_info), nullptr);
      if (with_shape) {
        gst_caps_set_simple(wanted.get(), "width", G_TYPE_INT, shape.width, "height", G_TYPE_INT,
                            shape.height, "pixel-aspect-ratio", GST_TYPE_FRACTION, shape.par_n, shape.par_d,
                            nullptr);
      } else {
        gst_caps_set_simple(wanted.get(), "width", GST_TYPE_INT_RANGE, 1, G_MAXINT, "height",
                            GST_TYPE_INT_RANGE, 1, G_MAXINT, nullptr);
      }
      GstCaps* common = first_common(wanted.get(), downstream);
      if (!gst_caps_is_empty(common)) return common;
      gst_caps_unref(common);
    }
  }
  return gst_caps_new_empty();
}

GstCaps* fixate_output_caps(GstCaps* caps, const OutputShape& shape) {
  caps = gst_caps_make_writable(gst_caps_truncate(caps));
  GstStructure* structure = gst_caps_get_structure(caps, 0);
  gst_structure_fixate_field_nearest_int(structure, "width", shape.width);
  gst_structure_fixate_field_nearest_int(structure, "height", shape.height);
  return gst_caps_fixate(caps);
}

}  // namespace reenact
