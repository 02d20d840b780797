// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enum_types.h"

#include "reenact/engine.h"
#include "reenact/face_tracker.h"
#include "reenact/pose_mapper.h"

namespace reenact {
namespace {

GType register_enum(const char* name, const GEnumValue* values) {
  const GType type = g_enum_register_static(name, values);
  gst_type_mark_as_plugin_api(type, GstPluginAPIFlags(0));
  return type;
}

template <typename Enum>
constexpr GEnumValue value(Enum number, const char* description, const char* nick) {
  return {static_cast<gint>(number), description, nick};
}

constexpr GEnumValue end_of_values{0, nullptr, nullptr};

}  // namespace

GType no_face_get_type() {
  static const GEnumValue values[] = {value(NoFace::hold, "Repeat the last face's place and pose", "hold"),
                                      value(NoFace::drop, "Give out nothing for such frames", "drop"),
                                      value(NoFace::background, "Show only the background", "background"),
                                      end_of_values};
  static const GType type = register_enum("ReenactNoFace", values);
  return type;
}

GType crop_style_get_type() {
  static const GEnumValue values[] = {
      value(CropStyle::paper, "The paper's crop: squared, enlarged, rim reflected, blurred and faded",
            "paper"),
      value(CropStyle::authors, "The same cut again as the authors' data loader does, for their weights",
            "authors"),
      end_of_values};
  static const GType type = register_enum("ReenactCropStyle", values);
  return type;
}

GType face_select_get_type() {
  static const GEnumValue values[] = {
      value(FaceSelect::largest, "The largest face of each detection", "largest"),
      value(FaceSelect::center, "The face nearest to the middle of the picture", "center"),
      value(FaceSelect::track,
            "The face followed so far, else the largest of those nearly as sure as the surest", "track"),
      value(FaceSelect::index, "The face-index-th from the left", "index"), end_of_values};
  static const GType type = register_enum("ReenactFaceSelect", values);
  return type;
}

GType precision_get_type() {
  static const GEnumValue values[] = {
      value(Precision::automatic, "The fastest that device and model file allow", "auto"),
      value(Precision::fp32, "32-bit floating point", "fp32"),
      value(Precision::bf16, "bfloat16, where the processor has it", "bf16"),
      value(Precision::fp16, "16-bit floating point, on GPUs", "fp16"),
      value(Precision::int8, "8-bit integers, for calibrated model files", "int8"),
      end_of_values};
  static const GType type = register_enum("ReenactPrecision", values);
  return type;
}

GType pose_mode_get_type() {
  static const GEnumValue values[] = {
      value(PoseMode::absolute, "The head takes the driver's pose", "absolute"),
      value(PoseMode::relative,
            "The head moves from its own resting pose as the driver moves from the reference", "relative"),
      end_of_values};
  static const GType type = register_enum("ReenactPoseMode", values);
  return type;
}

GType background_mode_get_type() {
  static const GEnumValue values[] = {
      value(BackgroundMode::pad, "The video on the background pad, background-color where there is none",
            "pad"),
      value(BackgroundMode::colour, "background-color", "colour"),
      value(BackgroundMode::image, "The picture background-image", "image"),
      value(BackgroundMode::blurred_driver, "The driver's video, blurred until nobody can be recognised",
            "blurred-driver"),
      value(BackgroundMode::driver,
            "The driver's video as it is: shows the driver's own face around the head", "driver"),
      value(BackgroundMode::transparent, "Nothing: the head with its mask as alpha", "transparent"),
      end_of_values};
  static const GType type = register_enum("ReenactBackground", values);
  return type;
}

GType placement_get_type() {
  static const GEnumValue values[] = {
      value(Placement::crop, "Where the driver's head was cut out; without face meta as fit", "crop"),
      value(Placement::fit, "As large as the picture allows, in the middle", "fit"),
      value(Placement::rectangle, "At placement-x, placement-y, placement-width, placement-height",
            "rectangle"),
      end_of_values};
  static const GType type = register_enum("ReenactPlacement", values);
  return type;
}

}  // namespace reenact
