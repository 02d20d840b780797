// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <opencv2/core.hpp>

#include "enum_types.h"
#include "reenact/compositor.h"

namespace reenact {

/// The properties of reenactcompositor but background-image; copied for every frame.
struct CompositorSettings {
  enum Property : guint {
    background_property = 1,
    background_color_property,
    background_image_property,
    mask_erode_property,
    mask_feather_property,
    mask_smoothing_property,
    opacity_property,
    color_match_property,
    placement_property,
    placement_x_property,
    placement_y_property,
    placement_width_property,
    placement_height_property
  };

  BackgroundMode background = BackgroundMode::pad;
  guint background_color = 0xff303030;  ///< 0xAARRGGBB; alpha is ignored
  MaskOptions mask;
  Placement placement = Placement::crop;
  int placement_x = 0, placement_y = 0;           ///< pixels of the output
  int placement_width = 0, placement_height = 0;  ///< 0: the head's own size

  static void install(GObjectClass* object_class);
  /// True when `id` was one of the above. Called with the object's lock held.
  bool set_property(guint id, const GValue* value);
  bool get_property(guint id, GValue* value) const;

  /// Where the head goes in an output of `output` pixels. `crop` is its place in a frame of `frame` pixels;
  /// an empty `crop` means that nobody knows.
  cv::Rect head_rectangle(cv::Size head, const cv::Rect& crop, cv::Size frame, cv::Size output) const;
};

}  // namespace reenact
