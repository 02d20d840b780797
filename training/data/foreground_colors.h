// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>

namespace reenact::training {

/// The person's own colors behind a soft mask: where a pixel mixes hair and wall, the hair. Multiplied by the mask it shows
/// no rim of the old background.
///
/// `rgb` CV_8UC3, `mask` CV_8UC1 of the same size, 255 = person. Returns CV_8UC3; where the mask is 255 or next to nothing it
/// is `rgb`. The blur-fusion estimate of Forte, "Approximate Fast Foreground Colour Estimation" (ICIP 2021), its two passes
/// with windows of a third and of a fortieth of the picture.
cv::Mat foreground_colors(const cv::Mat& rgb, const cv::Mat& mask);

}  // namespace reenact::training
