// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>

#include "reenact/export.h"

namespace reenact {

/// How good a picture of a person is to learn from, each 0..1.
struct PictureScore {
  double sharpness = 0;  ///< edges of the face; a blur by motion or bad focus takes it down
  double exposure = 0;   ///< neither dark nor burnt out
  double size = 0;       ///< the face's height in the camera's picture, 1 from 128 pixels on

  /// The weakest of them.
  REENACT_API double total() const;
};

/// Scores a crop in the paper's framing, CV_8UC3 RGB. `face_height` in pixels of the frame it was cut from; 0: nobody knows,
/// and the crop is taken for as good as its own size. Throws Error (invalid) for another picture.
REENACT_API PictureScore score_picture(const cv::Mat& crop, double face_height);

}  // namespace reenact
