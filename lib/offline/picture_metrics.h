// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>

namespace reenact {

/// Peak signal-to-noise ratio in decibels of two CV_8UC3 pictures of one size; 100 for equal ones.
double psnr(const cv::Mat& first, const cv::Mat& second);

/// Structural similarity (Wang et al., TIP 2004) of two CV_8UC3 pictures of one size, mean over the channels,
/// at most 1.
double ssim(const cv::Mat& first, const cv::Mat& second);

}  // namespace reenact
