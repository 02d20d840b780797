// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>

namespace reenact {

/// RGB of what the fake detector takes for a face.
inline const cv::Scalar fake_face_color{230, 20, 200};

}  // namespace reenact
