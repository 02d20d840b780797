// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>

#include "reenact/export.h"

namespace reenact {

/// Makes everybody in `picture` (8 or 16 bits, any number of channels) unrecognisable, in place. `largest_face` is the
/// longer side in pixels of the largest face that anybody found, 0 where nobody looked.
///
/// Four values are left along the longer side of the picture, or of that face where it is larger still: people recognise
/// faces from about seven values across upwards (Harmon and Julesz 1973; Bachmann 1991). The strength asks for no face to
/// be found, since the one that matters is the one nobody found: who walks in between two detections, stands half outside
/// or fills the picture is hidden as well as who is followed.
REENACT_API void blur_driver(cv::Mat& picture, double largest_face = 0);

}  // namespace reenact
