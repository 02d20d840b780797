// SPDX-License-Identifier: LGPL-2.1-or-later
#include "crop_settings.h"

namespace reenact {

void CropSettings::install(GObjectClass* object_class) {
  constexpr auto playing =
      GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  constexpr auto controllable = GParamFlags(playing | GST_PARAM_CONTROLLABLE);
  const CropSettings defaults;
  const auto install = [object_class](guint id, GParamSpec* spec) {
    g_object_class_install_property(object_class, id, spec);
  };
  install(detect_interval_property,
          g_param_spec_int(
              "detect-interval", "Detection interval",
              "Frames from one detection to the next while a face is followed; it is tracked in between", 1,
              G_MAXINT, defaults.finder.detect_interval, playing));
  install(score_threshold_property, g_param_spec_float("score-threshold", "Score threshold",
                                                       "Probability from which a detection counts as a face",
                                                       0, 1, defaults.finder.score_threshold, playing));
  install(iou_threshold_property,
          g_param_spec_float("iou-threshold", "Overlap threshold",
                             "Intersection over union above which two detections are one face", 0, 1,
                             defaults.finder.iou_threshold, playing));
  install(detect_size_property,
          g_param_spec_int(
              "detect-size", "Detection size",
              "Longer side in pixels of the reduced copy that is searched for faces; 0: the frame itself", 0,
              16384, defaults.finder.detect_size, playing));
  install(crop_scale_property,
          g_param_spec_double("crop-scale", "Crop scale", "Side of the crop in sides of the face box", 0.5,
                              10, defaults.crop_scale, controllable));
  install(crop_style_property,
          g_param_spec_enum("crop-style", "Crop style", "How the crop is cut out of the frame",
                            crop_style_get_type(), static_cast<gint>(defaults.crop_style), playing));
  install(
      face_select_property,
      g_param_spec_enum("face-select", "Face selection", "Which of several faces drives",
                        face_select_get_type(), static_cast<gint>(defaults.finder.tracker.select), playing));
  install(face_index_property,
          g_param_spec_int("face-index", "Face index",
                           "Which face from the left drives, from 0, when face-select is index", 0, 1000,
                           defaults.finder.tracker.index, playing));
  install(smoothing_property, g_param_spec_double("smoothing", "Smoothing",
                                                  "How steady the crop is held: 0 as detected, 1 steadiest",
                                                  0, 1, defaults.finder.tracker.smoothing, controllable));
  install(no_face_property,
          g_param_spec_enum("no-face", "No face", "What to give out for frames without a face",
                            no_face_get_type(), static_cast<gint>(defaults.no_face), playing));
  install(size_property,
          g_param_spec_int("size", "Size", "Side of the crop in pixels; 0: what downstream wants, else 256",
                           0, 4096, defaults.size, playing));
  install(post_messages_property,
          g_param_spec_boolean(
              "post-messages", "Post messages",
              "Post an element message reenact-face for every frame: found, box, score, track-id",
              defaults.post_messages, playing));
}

bool CropSettings::set_property(guint id, const GValue* value) {
  switch (id) {
    case detect_interval_property:
      finder.detect_interval = g_value_get_int(value);
      return true;
    case score_threshold_property:
      finder.score_threshold = g_value_get_float(value);
      return true;
    case iou_threshold_property:
      finder.iou_threshold = g_value_get_float(value);
      return true;
    case detect_size_property:
      finder.detect_size = g_value_get_int(value);
      return true;
    case crop_scale_property:
      crop_scale = g_value_get_double(value);
      return true;
    case crop_style_property:
      crop_style = static_cast<CropStyle>(g_value_get_enum(value));
      return true;
    case face_select_property:
      finder.tracker.select = static_cast<FaceSelect>(g_value_get_enum(value));
      return true;
    case face_index_property:
      finder.tracker.index = g_value_get_int(value);
      return true;
    case smoothing_property:
      finder.tracker.smoothing = g_value_get_double(value);
      return true;
    case no_face_property:
      no_face = static_cast<NoFace>(g_value_get_enum(value));
      return true;
    case size_property:
      size = g_value_get_int(value);
      return true;
    case post_messages_property:
      post_messages = g_value_get_boolean(value);
      return true;
    default:
      return false;
  }
}

bool CropSettings::get_property(guint id, GValue* value) const {
  switch (id) {
    case detect_interval_property:
      g_value_set_int(value, finder.detect_interval);
      return true;
    case score_threshold_property:
      g_value_set_float(value, finder.score_threshold);
      return true;
    case iou_threshold_property:
      g_value_set_float(value, finder.iou_threshold);
      return true;
    case detect_size_property:
      g_value_set_int(value, finder.detect_size);
      return true;
    case crop_scale_property:
      g_value_set_double(value, crop_scale);
      return true;
    case crop_style_property:
      g_value_set_enum(value, static_cast<gint>(crop_style));
      return true;
    case face_select_property:
      g_value_set_enum(value, static_cast<gint>(finder.tracker.select));
      return true;
    case face_index_property:
      g_value_set_int(value, finder.tracker.index);
      return true;
    case smoothing_property:
      g_value_set_double(value, finder.tracker.smoothing);
      return true;
    case no_face_property:
      g_value_set_enum(value, static_cast<gint>(no_face));
      return true;
    case size_property:
      g_value_set_int(value, size);
      return true;
    case post_messages_property:
      g_value_set_boolean(value, post_messages);
      return true;
    default:
      return false;
  }
}

}  // namespace reenact
