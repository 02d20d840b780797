// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <opencv2/core.hpp>

namespace reenact::training {

/// The unit quaternion (w, x, y, z), w >= 0, of a rotation by |`vector`| radians about it.
std::array<float, 4> quaternion_of(const cv::Vec3d& vector);
/// The same of a rotation matrix.
std::array<float, 4> quaternion_of(const cv::Matx33d& rotation);

}  // namespace reenact::training
