// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offline/picture_metrics.h"

#include <algorithm>
#include <opencv2/quality/qualityssim.hpp>

namespace reenact {

double psnr(const cv::Mat& first, const cv::Mat& second) {
  return std::min(cv::PSNR(first, second), 100.0);
}

double ssim(const cv::Mat& first, const cv::Mat& second) {
  const auto channels = cv::quality::QualitySSIM::compute(first, second, cv::noArray());
  return (channels[0] + channels[1] + channels[2]) / 3;
}

}  // namespace reenact
