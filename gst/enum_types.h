// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace reenact {

/// What reenactcrop gives out for a frame on which nobody was found.
enum class NoFace {
  hold,       ///< the last face's place once more; before any face, as `background`
  drop,       ///< nothing but a gap event
  background  ///< a flat grey crop marked so that the compositor shows only the background
};

/// How the crop is cut.
enum class CropStyle {
  paper,   ///< one cut, rim reflected, blurred and faded
  authors  ///< the second cut of the authors' data loader on top, for their published weights
};

/// What reenactcompositor lays the head over.
enum class BackgroundMode { pad, colour, image, blurred_driver, driver, transparent };

/// Where reenactcompositor puts the head.
enum class Placement {
  crop,      ///< where the driver's head was cut out; without face meta as `fit`
  fit,       ///< as large as the picture allows, in the middle
  rectangle  ///< at placement-x, -y, -width, -height
};

// GEnum types of the enumerations above and of those of the library that are properties.
GType no_face_get_type();
GType crop_style_get_type();
GType face_select_get_type();
GType precision_get_type();
GType pose_mode_get_type();
GType background_mode_get_type();
GType placement_get_type();

}  // namespace reenact
