// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <optional>
#include <vector>

#include "reenact/crop.h"

namespace reenact::training {

/// How far a face is turned to the side, in degrees; positive when it looks towards the right edge of the picture.
/// `landmarks`: mediapipe's face mesh in any unit that is the same along both sides; empty when there are none or the
/// cheeks lie on one another.
///
/// With x measured along the line through the outer eye corners, turn = ((nose tip - one cheek) - (other cheek - nose
/// tip)) / (other cheek - one cheek), points 1, 234 and 454. On a head whose cheeks are w from its axis and whose nose
/// tip is d before them, turn = d / w * tan(yaw); d / w is about 1.29. Turned by more than 60 degrees the far cheek is
/// a guess of the mesh, and the angle comes out some 10 degrees too small.
std::optional<double> yaw_of(const std::vector<cv::Point2f>& landmarks);

/// A head with its mask, as it would look turned further.
struct TurnedHead {
  cv::Mat rgb, mask;
  FaceBox face;
};

/// Turns a head about its upright axis by 0 to 80 degrees to the right edge of the picture, negative to the left.
///
/// The face is taken for a rounded cylinder with a nose, the rest for flat; what was behind is stretched from what is
/// seen, so that a face seen from the front is believable up to about 45 degrees. `rgb` CV_8UC3 and `mask` CV_8UC1 of
/// one size, `face` and `nose_tip` in their pixels. The new box goes from the cheek that is still seen to the outline on
/// the other side; its top and bottom stay.
TurnedHead turned(const cv::Mat& rgb, const cv::Mat& mask, const FaceBox& face, const cv::Point2f& nose_tip,
                  double degrees);

}  // namespace reenact::training
