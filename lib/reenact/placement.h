// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>

#include "reenact/export.h"

namespace reenact {

/// Where the head goes.
enum class Placement {
  crop,      ///< where the driver's head was cut out; as `fit` when nobody knows where that is
  fit,       ///< as large as the picture allows, in the middle
  rectangle  ///< at a place of its own
};

struct PlacementOptions {
  Placement placement = Placement::crop;
  int x = 0, y = 0;           ///< of a rectangle: left and top edge, pixels of the output
  int width = 0, height = 0;  ///< of a rectangle: pixels of the output; 0: the head's own size
};

/// Where a head of `head` pixels goes in an output of `output` pixels; may reach outside it. `crop` is its place in a
/// frame of `frame` pixels, which the output shows all of; an empty `crop` or `frame` means that nobody knows.
REENACT_API cv::Rect head_rectangle(const PlacementOptions& options, cv::Size head, const cv::Rect& crop,
                                    cv::Size frame, cv::Size output);

/// Scales the middle of `source` so that it fills `target`, whose size and type stay (the type is that of `source`);
/// what does not fit is cut off at two sides. Neither may be empty.
REENACT_API void cover(const cv::Mat& source, cv::Mat& target);

}  // namespace reenact
