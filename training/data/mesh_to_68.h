// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <vector>

namespace reenact::training {

/// The 68 points of the 300-W annotation, in its order, of mediapipe's face mesh (478 points), by the nearest mesh points or
/// the middle of two. In the unit of `mesh`. The jaw is the mesh's rim, so that points 0 to 16 are approximate. Throws Error
/// (invalid) for another number of points.
std::vector<cv::Point2f> mesh_to_68(const std::vector<cv::Point2f>& mesh);

/// The number among the 68 that each becomes in a mirrored picture.
const std::vector<int>& mirrored_order_of_68();

}  // namespace reenact::training
