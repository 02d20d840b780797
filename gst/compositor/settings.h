// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <string>

#include "base/properties.h"
#include "reenact/compositor.h"
#include "reenact/engine.h"
#include "reenact/placement.h"

namespace reenact {

/// What reenactcompositor lays the head over.
enum class BackgroundMode {
  pad,
  color,
  image,
  blurred_driver,
  driver,
  transparent,
  color_by_old_name  ///< what `color` was called in 0.1; never kept, see accept_old_names()
};

/// What is shown while an operator has taken the head away.
enum class PanicShow {
  background,  ///< what would be behind the head; for what shows the driver, background-color
  freeze,      ///< the last picture before; as `background` where that showed something of the driver
  black
};

/// The properties of reenactcompositor; copied for every frame.
struct CompositorSettings {
  BackgroundMode background = BackgroundMode::pad;
  guint background_color = 0xff303030;  ///< 0xAARRGGBB; alpha is ignored
  std::string background_image;
  MaskOptions mask = {.clip = 0.04, .reach = 0.05, .fade = 0.05, .decontaminate = 1};
  PlacementOptions placement;
  bool panic = false;  ///< no head, and nothing of the driver
  PanicShow panic_shows = PanicShow::black;
  AlphaMode alpha_mode = AlphaMode::straight;  ///< of pictures with alpha, and of a fill beside its key

  /// Whether something of the driver's picture is behind the head.
  bool shows_driver() const {
    return background == BackgroundMode::driver || background == BackgroundMode::blurred_driver;
  }
  /// Puts the name of today in place of one of yesterday; true when there was one.
  bool accept_old_names();
};

extern const Properties<CompositorSettings> compositor_properties;

}  // namespace reenact
