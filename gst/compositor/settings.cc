// SPDX-License-Identifier: LGPL-2.1-or-later
#include "compositor/settings.h"

#include <algorithm>
#include <cmath>

namespace reenact {

void CompositorSettings::install(GObjectClass* object_class) {
  constexpr auto playing =
      GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  constexpr auto controllable = GParamFlags(playing | GST_PARAM_CONTROLLABLE);
  const CompositorSettings defaults;
  const auto install = [object_class](guint id, GParamSpec* spec) {
    g_object_class_install_property(object_class, id, spec);
  };
  install(
      background_property,
      g_param_spec_enum("background", "Background",
                        "What the head is laid over; the driver's own face is never shown but with driver",
                        background_mode_get_type(), static_cast<gint>(defaults.background), playing));
  install(background_color_property,
          g_param_spec_uint(
              "background-color", "Background colour",
              "Colour as 0xAARRGGBB behind the head where nothing else is to be seen; alpha is ignored", 0,
              G_MAXUINT, defaults.background_color, controllable));
  install(background_image_property,
          g_param_spec_string(
              "background-image", "Background image",
              "Picture file for background=image, scaled to cover the output; a file that cannot be read "
              "while playing gives a warning and leaves the picture as it is",
              nullptr, playing));
  install(mask_erode_property,
          g_param_spec_double("mask-erode", "Mask erosion", "Pixels by which the head's mask shrinks", 0, 64,
                              defaults.mask.erode, controllable));
  install(mask_feather_property,
          g_param_spec_double("mask-feather", "Mask feather", "Blur of the mask's edge, sigma in pixels", 0,
                              64, defaults.mask.feather, controllable));
  install(mask_smoothing_property, g_param_spec_double("mask-smoothing", "Mask smoothing",
                                                       "Share of the previous frame's mask that is kept", 0,
                                                       0.95, defaults.mask.smoothing, controllable));
  install(opacity_property, g_param_spec_double("opacity", "Opacity", "Opacity of the head", 0, 1,
                                                defaults.mask.opacity, controllable));
  install(color_match_property,
          g_param_spec_boolean("color-match", "Colour match",
                               "Shift mean and deviation of the head's colours towards the background's",
                               defaults.mask.color_match, playing));
  install(placement_property,
          g_param_spec_enum("placement", "Placement", "Where the head goes", placement_get_type(),
                            static_cast<gint>(defaults.placement), playing));
  install(placement_x_property, g_param_spec_int("placement-x", "Placement x",
                                                 "Left edge of the head in pixels for placement=rectangle",
                                                 G_MININT16, G_MAXINT16, defaults.placement_x, controllable));
  install(placement_y_property, g_param_spec_int("placement-y", "Placement y",
                                                 "Top edge of the head in pixels for placement=rectangle",
                                                 G_MININT16, G_MAXINT16, defaults.placement_y, controllable));
  install(placement_width_property,
          g_param_spec_int("placement-width", "Placement width",
                           "Width of the head in pixels for placement=rectangle; 0: as it is drawn", 0,
                           G_MAXINT16, defaults.placement_width, controllable));
  install(placement_height_property,
          g_param_spec_int("placement-height", "Placement height",
                           "Height of the head in pixels for placement=rectangle; 0: as it is drawn", 0,
                           G_MAXINT16, defaults.placement_height, controllable));
}

bool CompositorSettings::set_property(guint id, const GValue* value) {
  switch (id) {
    case background_property:
      background = static_cast<BackgroundMode>(g_value_get_enum(value));
      return true;
    case background_color_property:
      background_color = g_value_get_uint(value);
      return true;
    case mask_erode_property:
      mask.erode = g_value_get_double(value);
      return true;
    case mask_feather_property:
      mask.feather = g_value_get_double(value);
      return true;
    case mask_smoothing_property:
      mask.smoothing = g_value_get_double(value);
      return true;
    case opacity_property:
      mask.opacity = g_value_get_double(value);
      return true;
    case color_match_property:
      mask.color_match = g_value_get_boolean(value);
      return true;
    case placement_property:
      placement = static_cast<Placement>(g_value_get_enum(value));
      return true;
    case placement_x_property:
      placement_x = g_value_get_int(value);
      return true;
    case placement_y_property:
      placement_y = g_value_get_int(value);
      return true;
    case placement_width_property:
      placement_width = g_value_get_int(value);
      return true;
    case placement_height_property:
      placement_height = g_value_get_int(value);
      return true;
    default:
      return false;
  }
}

bool CompositorSettings::get_property(guint id, GValue* value) const {
  switch (id) {
    case background_property:
      g_value_set_enum(value, static_cast<gint>(background));
      return true;
    case background_color_property:
      g_value_set_uint(value, background_color);
      return true;
    case mask_erode_property:
      g_value_set_double(value, mask.erode);
      return true;
    case mask_feather_property:
      g_value_set_double(value, mask.feather);
      return true;
    case mask_smoothing_property:
      g_value_set_double(value, mask.smoothing);
      return true;
    case opacity_property:
      g_value_set_double(value, mask.opacity);
      return true;
    case color_match_property:
      g_value_set_boolean(value, mask.color_match);
      return true;
    case placement_property:
      g_value_set_enum(value, static_cast<gint>(placement));
      return true;
    case placement_x_property:
      g_value_set_int(value, placement_x);
      return true;
    case placement_y_property:
      g_value_set_int(value, placement_y);
      return true;
    case placement_width_property:
      g_value_set_int(value, placement_width);
      return true;
    case placement_height_property:
      g_value_set_int(value, placement_height);
      return true;
    default:
      return false;
  }
}

cv::Rect CompositorSettings::head_rectangle(cv::Size head, const cv::Rect& crop, cv::Size frame,
                                            cv::Size output) const {
  if (placement == Placement::rectangle) {
    return {placement_x, placement_y, placement_width ? placement_width : head.width,
            placement_height ? placement_height : head.height};
  }
  if (placement == Placement::crop && !crop.empty() && !frame.empty()) {
    const double scale_x = double(output.width) / frame.width, scale_y = double(output.height) / frame.height;
    const int left = int(std::lround(crop.x * scale_x)),
              right = int(std::lround((crop.x + crop.width) * scale_x));
    const int top = int(std::lround(crop.y * scale_y)),
              bottom = int(std::lround((crop.y + crop.height) * scale_y));
    return {left, top, std::max(1, right - left), std::max(1, bottom - top)};
  }
  const double scale = std::min(double(output.width) / head.width, double(output.height) / head.height);
  const cv::Size size(std::max(1, int(std::lround(head.width * scale))),
                      std::max(1, int(std::lround(head.height * scale))));
  return {(output.width - size.width) / 2, (output.height - size.height) / 2, size.width, size.height};
}

}  // namespace reenact
