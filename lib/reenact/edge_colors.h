// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>

#include "reenact/export.h"

namespace reenact {

/// Frees the soft edge of a cut-out from the background it was taken from. A pixel there mixes hair and wall; over another
/// background the wall's share shows as a rim. The color of the solid parts nearby takes its place, the more the less of
/// the pixel is the cut-out's. Keeps its buffers, so that frames allocate nothing.
class EdgeColors {
 public:
  /// `rgba`: CV_8UC4, straight alpha, changed in place; alpha stays, and so does every pixel of alpha 255. `share` 0..1: 1
  /// takes the color nearby wholly where alpha comes to 0. Where nothing solid is near (a 16th of the longer side) colors
  /// stay.
  REENACT_API void clean(cv::Mat& rgba, double share);

 private:
  cv::Mat reduced_, solid_, sum_, nearby_, scaled_;
};

}  // namespace reenact
