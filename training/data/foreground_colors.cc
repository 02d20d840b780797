// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/foreground_colors.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

namespace reenact::training {
namespace {

/// Mean colors of `color` near each pixel, each counted by `weight`; CV_32FC3 and CV_32FC3 with equal channels.
cv::Mat mean_nearby(const cv::Mat& color, const cv::Mat& weight, int window) {
  cv::Mat sum, weights;
  cv::blur(color.mul(weight), sum, {window, window});
  cv::blur(weight, weights, {window, window});
  return sum / (weights + cv::Scalar::all(1e-5));
}

/// One pass: `foreground` and `background` become better estimates.
void refine(const cv::Mat& picture, const cv::Mat& alpha, const cv::Mat& inverse, int window,
            cv::Mat& foreground, cv::Mat& background) {
  const cv::Mat near_foreground = mean_nearby(foreground, alpha, window);
  background = mean_nearby(background, inverse, window);
  foreground = near_foreground + alpha.mul(picture - alpha.mul(near_foreground) - inverse.mul(background));
  cv::min(foreground, 1.0, foreground);
  cv::max(foreground, 0.0, foreground);
}

}  // namespace

cv::Mat foreground_colors(const cv::Mat& rgb, const cv::Mat& mask) {
  cv::Mat picture, alpha, one_channel;
  rgb.convertTo(picture, CV_32F, 1.0 / 255);
  mask.convertTo(one_channel, CV_32F, 1.0 / 255);
  cv::cvtColor(one_channel, alpha, cv::COLOR_GRAY2BGR);
  const cv::Mat inverse = cv::Scalar::all(1) - alpha;
  cv::Mat foreground = picture, background = picture;
  for (const int share : {3, 40})
    refine(picture, alpha, inverse, std::max(3, rgb.cols / share | 1), foreground, background);
  cv::Mat result;
  foreground.convertTo(result, CV_8U, 255);
  constexpr int next_to_nothing = 8;  // what a compressed mask has where nobody is
  rgb.copyTo(result, mask == 255);
  rgb.copyTo(result, mask < next_to_nothing);
  return result;
}

}  // namespace reenact::training
