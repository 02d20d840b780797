// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "base/properties.h"
#include "reenact/crop.h"
#include "reenact/face_finder.h"

namespace reenact {

/// What is given out for a frame on which nobody was found.
enum class NoFace {
  hold,        ///< the last face's place once more; before any face, as `background`
  drop,        ///< nothing but a gap event
  background,  ///< a flat gray crop marked so that the compositor shows only the background
  black        ///< the same, and the compositor shows black
};

/// When the face that is followed is searched beside the stream, so that no frame waits for it.
enum class BackgroundSearch {
  live,    ///< in live pipelines: what is recorded or rendered from files stays the same from run to run
  always,  ///< in others too
  never
};

/// How the crop is cut.
enum class CropStyle {
  paper,   ///< one cut, rim reflected, blurred and faded
  authors  ///< the second cut of the authors' data loader on top, for their published weights
};

/// The properties of reenactcrop besides those of the detector; copied for every frame.
struct CropSettings {
  FaceFinder::Options finder;
  double crop_scale = paper_crop_scale;
  CropStyle crop_style = CropStyle::paper;
  NoFace no_face = NoFace::hold;
  int size = 0;
  bool post_messages = false;
  BackgroundSearch background_search = BackgroundSearch::live;
};

extern const Properties<CropSettings> crop_properties;

}  // namespace reenact
