// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <random>

#include "training/data/pose_augmentation.h"

namespace reenact::training {

/// Two operations of augment_pixels(), on an RGB picture. Edges by a Laplacian, blended in where a random map
/// says so: smooth noise of 2 to 16 cells a side, where the released code's is simplex noise.
void blend_in_edges(cv::Mat& rgb, Random& random);
/// Every pixel comes from a place at most 3.5 pixels away in x and in y; black where that lies outside.
void displace_pixels(cv::Mat& rgb, Random& random);

}  // namespace reenact::training
