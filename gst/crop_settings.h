// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "base/engine_settings.h"
#include "enum_types.h"
#include "reenact/face_finder.h"

namespace reenact {

/// The properties of reenactcrop besides those of its detector; copied for every frame.
struct CropSettings {
  enum Property : guint {
    detect_interval_property = EngineSettings::first_own_property,
    score_threshold_property,
    iou_threshold_property,
    detect_size_property,
    crop_scale_property,
    crop_style_property,
    face_select_property,
    face_index_property,
    smoothing_property,
    no_face_property,
    size_property,
    post_messages_property
  };

  FaceFinder::Options finder;
  double crop_scale = 1.8;  ///< of the paper
  CropStyle crop_style = CropStyle::paper;
  NoFace no_face = NoFace::hold;
  int size = 0;
  bool post_messages = false;

  static void install(GObjectClass* object_class);
  /// True when `id` was one of the above. Called with the object's lock held.
  bool set_property(guint id, const GValue* value);
  bool get_property(guint id, GValue* value) const;
};

}  // namespace reenact
