// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>

namespace reenact {

/// Pixels of a crop window that lie outside the picture, on each side.
struct Padding {
  int top = 0, bottom = 0, left = 0, right = 0;
};

/// `inside` is the part of `window` that the picture covers, both in the picture's coordinates.
inline Padding padding_of(const cv::Rect& window, const cv::Rect& inside) {
  return {inside.y - window.y, window.br().y - inside.br().y, inside.x - window.x,
          window.br().x - inside.br().x};
}

enum class RimFade {
  to_median,     ///< pictures: blurred outwards on all sides, then faded to the median colour
  sides_to_zero  ///< masks: blurred outwards on all sides, then faded to zero towards left and right only
};

/// Treats the rim of an already padded picture (CV_8UC1 or CV_8UC3) in place, as the authors'
/// crop_with_padding does: with m = 1 at the outer edge, 0 at the old border and negative inside, blends
/// clip(3m+1, 0, 1) of the blurred picture, then clip(m, 0, 1) of the fade colour. Only the rim is touched
/// and worked on; the rest stays as it is.
void fade_rim(cv::Mat& padded, const Padding& padding, RimFade fade);

/// Per-channel median, the mean of the two middle values when their number is even, rounded.
cv::Scalar median_color(const cv::Mat& image);

}  // namespace reenact
