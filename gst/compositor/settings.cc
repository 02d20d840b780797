// SPDX-License-Identifier: LGPL-2.1-or-later
#include "compositor/settings.h"

namespace reenact {

template <>
GType enum_type<BackgroundMode>() {
  static const GEnumValue values[] = {
      enum_value(BackgroundMode::pad, "The video on the background pad, background-color where there is none",
                 "pad"),
      enum_value(BackgroundMode::color, "background-color", "color"),
      enum_value(BackgroundMode::image, "The picture background-image", "image"),
      enum_value(BackgroundMode::blurred_driver, "The driver's video, blurred until nobody can be recognised",
                 "blurred-driver"),
      enum_value(BackgroundMode::driver,
                 "The driver's video as it is: shows the driver's own face around the head", "driver"),
      enum_value(BackgroundMode::transparent, "Nothing: the head with its mask as alpha", "transparent"),
      enum_value(BackgroundMode::color_by_old_name, "Old name of color, to go with the next version",
                 "colour"),
      {}};
  static const GType type = register_enum("ReenactBackground", values);
  return type;
}

template <>
GType enum_type<Placement>() {
  static const GEnumValue values[] = {
      enum_value(Placement::crop, "Where the driver's head was cut out; without face meta as fit", "crop"),
      enum_value(Placement::fit, "As large as the picture allows, in the middle", "fit"),
      enum_value(Placement::rectangle, "At placement-x, placement-y, placement-width, placement-height",
                 "rectangle"),
      {}};
  static const GType type = register_enum("ReenactPlacement", values);
  return type;
}

template <>
GType enum_type<AlphaMode>() {
  static const GEnumValue values[] = {
      enum_value(AlphaMode::straight, "Colors as if the head were opaque", "straight"),
      enum_value(AlphaMode::premultiplied, "Colors times alpha, over black", "premultiplied"),
      {}};
  static const GType type = register_enum("ReenactAlphaMode", values);
  return type;
}

template <>
GType enum_type<PanicShow>() {
  static const GEnumValue values[] = {
      enum_value(PanicShow::background,
                 "The background without a head; background-color for the driver's video", "background"),
      enum_value(
          PanicShow::freeze,
          "The last picture before, as it was; as background where that showed something of the driver",
          "freeze"),
      enum_value(PanicShow::black, "Black", "black"),
      {}};
  static const GType type = register_enum("ReenactPanicShow", values);
  return type;
}

namespace {

using Settings = CompositorSettings;
using Row = Property<Settings>;
// Defaults are those of CompositorSettings in settings.h.
constexpr Row table[] = {
    Row("alpha-mode", "Alpha mode",
        "How colors relate to alpha with background=transparent, in the picture and in the fill beside a key",
        member<&Settings::alpha_mode>, {}, set_while_playing),
    Row("background", "Background",
        "What the head is laid over; the driver's own face is never shown but with driver",
        member<&Settings::background>, {}, set_while_playing),
    Row("background-color", "Background color",
        "Color as 0xAARRGGBB behind the head where nothing else is to be seen; alpha is ignored",
        member<&Settings::background_color>, {0, G_MAXUINT}, set_by_controller),
    Row("background-image", "Background image",
        "Picture file for background=image, scaled to cover the output; a file that cannot be read "
        "while playing gives a warning and leaves the picture as it is",
        member<&Settings::background_image>, {}, set_while_playing),
    Row("key-clip", "Key clip",
        "Alpha of the head up to which nothing of it is shown, so that no haze stays around it",
        member<&Settings::mask, &MaskOptions::clip>, {0, 0.99}, set_by_controller),
    Row("key-gain", "Key gain",
        "By how much alpha above key-clip rises; 1: what was opaque is opaque, more hardens the edge",
        member<&Settings::mask, &MaskOptions::gain>, {0.1, 16}, set_by_controller),
    Row("mask-erode", "Mask erosion", "Pixels by which the head's mask shrinks",
        member<&Settings::mask, &MaskOptions::erode>, {0, 64}, set_by_controller),
    Row("mask-decontaminate", "Mask decontamination",
        "How far the mask's soft edge is freed from the colors of the background that the head was learned before",
        member<&Settings::mask, &MaskOptions::decontaminate>, {0, 1}, set_by_controller),
    Row("mask-fade", "Mask fade",
        "Share of the head's side over which it fades where its border lies inside the output, so that hair and "
        "shoulders that leave the crop end in no line",
        member<&Settings::mask, &MaskOptions::fade>, {0, 0.5}, set_by_controller),
    Row("mask-feather", "Mask feather", "Blur of the mask's edge, sigma in pixels",
        member<&Settings::mask, &MaskOptions::feather>, {0, 64}, set_by_controller),
    Row("mask-reach", "Mask reach",
        "Share of the head's side from its solid part at which its mask ends, so that no haze stays around it; 0: nowhere",
        member<&Settings::mask, &MaskOptions::reach>, {0, 1}, set_by_controller),
    Row("mask-smoothing", "Mask smoothing", "Share of the previous frame's mask that is kept",
        member<&Settings::mask, &MaskOptions::smoothing>, {0, 0.95}, set_by_controller),
    Row("opacity", "Opacity", "Opacity of the head", member<&Settings::mask, &MaskOptions::opacity>, {0, 1},
        set_by_controller),
    Row("panic", "Panic",
        "Show no head and nothing of the driver from the next picture on, whatever background says",
        member<&Settings::panic>, {}, set_while_playing),
    Row("panic-shows", "Panic shows",
        "What is shown during panic; freeze needs to be set a picture before it",
        member<&Settings::panic_shows>, {}, set_while_playing),
    Row("color-match", "Color match",
        "Shift mean and deviation of the head's colors towards the background's",
        member<&Settings::mask, &MaskOptions::color_match>, {}, set_while_playing),
    Row("placement", "Placement", "Where the head goes",
        member<&Settings::placement, &PlacementOptions::placement>, {}, set_while_playing),
    Row("placement-x", "Placement x", "Left edge of the head in pixels for placement=rectangle",
        member<&Settings::placement, &PlacementOptions::x>, {G_MININT16, G_MAXINT16}, set_by_controller),
    Row("placement-y", "Placement y", "Top edge of the head in pixels for placement=rectangle",
        member<&Settings::placement, &PlacementOptions::y>, {G_MININT16, G_MAXINT16}, set_by_controller),
    Row("placement-width", "Placement width",
        "Width of the head in pixels for placement=rectangle; 0: as it is drawn",
        member<&Settings::placement, &PlacementOptions::width>, {0, G_MAXINT16}, set_by_controller),
    Row("placement-height", "Placement height",
        "Height of the head in pixels for placement=rectangle; 0: as it is drawn",
        member<&Settings::placement, &PlacementOptions::height>, {0, G_MAXINT16}, set_by_controller)};

}  // namespace

constexpr Properties<CompositorSettings> compositor_properties(table);

bool CompositorSettings::accept_old_names() {
  if (background != BackgroundMode::color_by_old_name) return false;
  background = BackgroundMode::color;
  return true;
}

}  // namespace reenact
