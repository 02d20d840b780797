// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/pose_distortions.h"

#include <opencv2/imgproc.hpp>

namespace reenact::training {
namespace {

/// Weights CV_32F in 0..1 for blend_in_edges().
cv::Mat random_blending(cv::Size size, Random& random) {
  cv::Mat most;
  const int maps = std::uniform_int_distribution<int>(1, 3)(random);
  for (int i = 0; i < maps; ++i) {
    const int cells = std::uniform_int_distribution<int>(2, 16)(random);
    cv::Mat noise(cells, cells, CV_32F), map;
    cv::RNG(random()).fill(noise, cv::RNG::UNIFORM, 0, 1);
    const double kind = uniform(random, 0, 1);  // nearest 5 %, linear 60 %, cubic 35 %
    cv::resize(noise, map, size, 0, 0,
               kind < 0.05 ? cv::INTER_NEAREST : (kind < 0.65 ? cv::INTER_LINEAR : cv::INTER_CUBIC));
    if (most.empty())
      most = map;
    else
      cv::max(most, map, most);
  }
  const double threshold = std::normal_distribution<double>(0, 5)(random);
  cv::Mat weights;
  cv::exp(-(most * 20 - 10 - threshold), weights);
  return 1 / (1 + weights);
}

}  // namespace

void blend_in_edges(cv::Mat& rgb, Random& random) {
  const double alpha = uniform(random, 0, 0.15);
  cv::Mat kernel = (cv::Mat_<float>(3, 3) << 0, 1, 0, 1, -4, 1, 0, 1, 0);
  kernel *= alpha;
  kernel.at<float>(1, 1) += static_cast<float>(1 - alpha);
  cv::Mat edges;
  cv::filter2D(rgb, edges, -1, kernel, {-1, -1}, 0, cv::BORDER_REFLECT_101);
  const cv::Mat weights = random_blending(rgb.size(), random);
  cv::blendLinear(edges, rgb.clone(), weights, 1 - weights, rgb);
}

void displace_pixels(cv::Mat& rgb, Random& random) {
  // The released code also smooths the displacements, by 0.15 pixels, which changes nothing.
  const double reach = uniform(random, 0.5, 3.5);
  cv::Mat x(rgb.size(), CV_32F), y(rgb.size(), CV_32F), displaced;
  cv::RNG generator(random());
  generator.fill(x, cv::RNG::UNIFORM, -reach, reach);
  generator.fill(y, cv::RNG::UNIFORM, -reach, reach);
  for (int row = 0; row < rgb.rows; ++row)
    for (int column = 0; column < rgb.cols; ++column) {
      x.at<float>(row, column) += static_cast<float>(column);
      y.at<float>(row, column) += static_cast<float>(row);
    }
  cv::remap(rgb, displaced, x, y, cv::INTER_CUBIC, cv::BORDER_CONSTANT);
  rgb = displaced;
}

}  // namespace reenact::training
