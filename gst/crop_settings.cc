// SPDX-License-Identifier: LGPL-2.1-or-later
#include "crop_settings.h"

#include "base/engine_settings.h"

namespace reenact {

template <>
GType enum_type<NoFace>() {
  static const GEnumValue values[] = {
      enum_value(NoFace::hold, "Repeat the last face's place and pose", "hold"),
      enum_value(NoFace::drop, "Give out nothing for such frames", "drop"),
      enum_value(NoFace::background, "Show only the background", "background"),
      enum_value(NoFace::black, "Show black", "black"),
      {}};
  static const GType type = register_enum("ReenactNoFace", values);
  return type;
}

template <>
GType enum_type<BackgroundSearch>() {
  static const GEnumValue values[] = {
      enum_value(BackgroundSearch::live, "In live pipelines", "live"),
      enum_value(BackgroundSearch::always, "In all pipelines: which frame sees a detection is left to chance",
                 "always"),
      enum_value(BackgroundSearch::never, "Frames wait for the detector", "never"),
      {}};
  static const GType type = register_enum("ReenactBackgroundSearch", values);
  return type;
}

template <>
GType enum_type<CropStyle>() {
  static const GEnumValue values[] = {
      enum_value(CropStyle::paper, "The paper's crop: squared, enlarged, rim reflected, blurred and faded",
                 "paper"),
      enum_value(CropStyle::authors, "The same cut again as the authors' data loader does, for their weights",
                 "authors"),
      {}};
  static const GType type = register_enum("ReenactCropStyle", values);
  return type;
}

template <>
GType enum_type<FaceSelect>() {
  static const GEnumValue values[] = {
      enum_value(FaceSelect::largest, "The largest face of each detection", "largest"),
      enum_value(FaceSelect::center, "The face nearest to the middle of the picture", "center"),
      enum_value(FaceSelect::track,
                 "The face followed so far, else the largest of those nearly as sure as the surest", "track"),
      enum_value(FaceSelect::index, "The face-index-th from the left", "index"),
      {}};
  static const GType type = register_enum("ReenactFaceSelect", values);
  return type;
}

namespace {

using Finder = FaceFinder::Options;
using Row = Property<CropSettings>;
constexpr Row property_table[] = {
    Row("detect-interval", "Detection interval",
        "Frames from one detection to the next while a face is followed; it is tracked in between",
        member<&CropSettings::finder, &Finder::detect_interval>, {1, G_MAXINT}, set_by_controller),
    Row("score-threshold", "Score threshold", "Probability from which a detection counts as a face",
        member<&CropSettings::finder, &Finder::score_threshold>, {0, 1}, set_by_controller),
    Row("iou-threshold", "Overlap threshold",
        "Intersection over union above which two detections are one face",
        member<&CropSettings::finder, &Finder::iou_threshold>, {0, 1}, set_by_controller),
    Row("detect-size", "Detection size",
        "Longer side in pixels of the reduced copy that is searched for faces; 0: the frame itself",
        member<&CropSettings::finder, &Finder::detect_size>, {0, 16384}, set_by_controller),
    Row("crop-scale", "Crop scale", "Side of the crop in sides of the face box",
        member<&CropSettings::crop_scale>, {0.5, 10}, set_by_controller),
    Row("crop-style", "Crop style", "How the crop is cut out of the frame", member<&CropSettings::crop_style>,
        {}, set_while_playing),
    Row("face-select", "Face selection", "Which of several faces drives",
        member<&CropSettings::finder, &Finder::tracker, &TrackerOptions::select>, {}, set_while_playing),
    Row("face-index", "Face index", "Which face from the left drives, from 0, when face-select is index",
        member<&CropSettings::finder, &Finder::tracker, &TrackerOptions::index>, {0, 1000},
        set_by_controller),
    Row("smoothing", "Smoothing", "How steady the crop is held: 0 as detected, 1 steadiest",
        member<&CropSettings::finder, &Finder::tracker, &TrackerOptions::smoothing>, {0, 1},
        set_by_controller),
    Row("no-face", "No face", "What to give out for frames without a face", member<&CropSettings::no_face>,
        {}, set_while_playing),
    Row("size", "Size", "Side of the crop in pixels; 0: what downstream wants, else 256",
        member<&CropSettings::size>, {0, 4096}, set_by_controller),
    Row("post-messages", "Post messages",
        "Post an element message reenact-face for every frame: found, box, score, track-id",
        member<&CropSettings::post_messages>, {}, set_while_playing),
    Row("background-search", "Background search",
        "Whether the face that is followed is searched beside the stream, so that no frame waits for it; face-select "
        "is track",
        member<&CropSettings::background_search>, {}, set_while_playing)};

}  // namespace

constexpr Properties<CropSettings> crop_properties(property_table, first_own_property);

}  // namespace reenact
