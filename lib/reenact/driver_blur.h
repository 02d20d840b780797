// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>

#include "reenact/export.h"

namespace reenact {

/// Makes the driver unrecognisable in `picture` (CV_8UC3), in place. `face` and `crop` are the face box and
/// the window cut around it, in pixels of the picture; with an empty `face` nobody knows where the driver is,
/// and everything goes.
///
/// The whole picture keeps six values across a face, the window three: people recognise faces from about
/// seven upwards (Harmon and Julesz 1973; Bachmann 1991), and a face that moved on since its last detection
/// is covered by the former.
REENACT_API void blur_driver(cv::Mat& picture, const cv::Rect& face, const cv::Rect& crop);

}  // namespace reenact
