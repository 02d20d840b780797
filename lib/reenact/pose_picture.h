// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <string>

#include "reenact/config.h"

namespace reenact {

/// The part of a head crop of 1.8 times the face box, `side` pixels wide, that a pose encoder sees: all of it, but for
/// "x2face" the middle 1.4 times the box, and for "fabnet" what remains of that after its own tighter cut. Edges are whole
/// pixels by the rule of crop_window(); of 256 pixels [28, 229) squared, and rows [79, 214), columns [61, 196).
cv::Rect pose_window(const std::string& pose_encoder, int side);

/// pose_window() of a square crop (RGB CV_8UC3) as a picture of `size` pixels, by cubic interpolation even where that shrinks
/// it.
cv::Mat pose_picture(const cv::Mat& crop, const std::string& pose_encoder, int size);
/// The picture that the pose encoder of `config` sees of a square crop (RGB CV_8UC3): the crop itself, to be scaled by
/// whoever takes it, or its window as above at pose_image_size().
cv::Mat pose_picture(const cv::Mat& crop, const ReenactorConfig& config);

}  // namespace reenact
