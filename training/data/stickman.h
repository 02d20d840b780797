// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <vector>

namespace reenact::training {

/// The 68 facial points drawn as colored lines on black, RGB CV_8UC3 `size` x `size`: what drives FSTH (Zakharov et al., ICCV
/// 2019). `points` in 0..1 of the side, in the order of 300-W. Jaw white, brows red and green, nose blue, eyes magenta and
/// cyan, outer lips yellow; inner lips are left out. Lines are 2 pixels wide in 256 and not smoothed. Throws Error (invalid)
/// for another number of points.
cv::Mat draw_stickman(const std::vector<cv::Point2f>& points, int size);

}  // namespace reenact::training
