// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/face_variation.h"

#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

namespace reenact::training {
namespace {

cv::Scalar random_color(Random& random) {
  return cv::Scalar(uniform_int(random, 0, 255), uniform_int(random, 0, 255), uniform_int(random, 0, 255));
}

cv::Mat coarse_colors(cv::Size size, int most_cells, Random& random) {
  cv::Mat cells(uniform_int(random, 1, most_cells), uniform_int(random, 1, most_cells), CV_8UC3), colors;
  cv::RNG(random()).fill(cells, cv::RNG::UNIFORM, 0, 256);
  cv::resize(cells, colors, size, 0, 0, happens(random, 0.75) ? cv::INTER_CUBIC : cv::INTER_NEAREST);
  return colors;
}

/// A light from one side: every channel multiplied by a factor that changes smoothly across the picture.
void relight(cv::Mat& rgb, Random& random) {
  const double angle = uniform(random, 0, 2 * std::numbers::pi), strength = uniform(random, 0.2, 0.9);
  const double across = std::cos(angle), down = std::sin(angle);
  const double reach = 0.5 * std::max(rgb.cols, rgb.rows), offset = uniform(random, -0.4, 0.4);
  const bool colored = happens(random, 0.3);
  cv::Vec3d tint(1, 1, 1);
  if (colored)
    for (int c = 0; c < 3; ++c) tint[c] = uniform(random, 0.4, 1.6);
  for (int y = 0; y < rgb.rows; ++y) {
    auto* pixels = rgb.ptr<cv::Vec3b>(y);
    for (int x = 0; x < rgb.cols; ++x) {
      const double along = ((x - rgb.cols / 2) * across + (y - rgb.rows / 2) * down) / reach;
      const double side = std::tanh(2 * (along - offset));
      for (int c = 0; c < 3; ++c) {
        const double factor = 1 + strength * side * (side > 0 ? tint[c] : 1.0);
        pixels[x][c] = cv::saturate_cast<uchar>(pixels[x][c] * factor);
      }
    }
  }
}

void cover_partly(cv::Mat& rgb, Random& random) {
  const double side = rgb.cols;
  const cv::Size size(static_cast<int>(uniform(random, 0.08, 0.4) * side),
                      static_cast<int>(uniform(random, 0.08, 0.4) * side));
  const cv::Point middle(static_cast<int>(uniform(random, 0.1, 0.9) * side),
                         static_cast<int>(uniform(random, 0.1, 0.9) * side));
  cv::Mat shape(rgb.size(), CV_8UC1, cv::Scalar(0));
  if (happens(random, 0.5))
    cv::ellipse(shape, middle, {size.width / 2 + 1, size.height / 2 + 1}, uniform(random, 0, 180), 0, 360,
                cv::Scalar(255), cv::FILLED);
  else
    cv::rectangle(shape,
                  {middle.x - size.width / 2, middle.y - size.height / 2, size.width + 1, size.height + 1},
                  cv::Scalar(255), cv::FILLED);
  const cv::Mat over = happens(random, 0.5) ? cv::Mat(rgb.size(), CV_8UC3, random_color(random))
                                            : coarse_colors(rgb.size(), 16, random);
  over.copyTo(rgb, shape);
}

void soften(cv::Mat& rgb, Random& random) {
  const double share = uniform(random, 0.25, 0.8);
  const cv::Size size = rgb.size();
  cv::Mat small;
  cv::resize(rgb, small, {}, share, share, cv::INTER_AREA);
  cv::resize(small, rgb, size, 0, 0, happens(random, 0.5) ? cv::INTER_LINEAR : cv::INTER_CUBIC);
}

}  // namespace

void read_face_variation(const RunConfig& file, const std::string& section, FaceVariationOptions& variation) {
  file.read(section + ".background_swap", variation.background_swap, 0, 1);
  file.read(section + ".relight", variation.relight, 0, 1);
  file.read(section + ".cover", variation.cover, 0, 1);
  file.read(section + ".soften", variation.soften, 0, 1);
  read_degradation(file, section, variation.degradation);
}

void replace_background(cv::Mat& rgb, const cv::Mat& mask, const cv::Mat& background) {
  for (int y = 0; y < rgb.rows; ++y) {
    auto* over = rgb.ptr<cv::Vec3b>(y);
    const auto* under = background.ptr<cv::Vec3b>(y);
    const auto* share = mask.ptr<uchar>(y);
    for (int x = 0; x < rgb.cols; ++x)
      for (int c = 0; c < 3; ++c)
        over[x][c] = static_cast<uchar>((under[x][c] * (255 - share[x]) + over[x][c] * share[x] + 127) / 255);
  }
}

cv::Mat random_background(cv::Size size, const cv::Mat& other, Random& random) {
  const double kind = uniform(random, 0, 1);
  if (kind < 0.3) return cv::Mat(size, CV_8UC3, cv::Scalar::all(0));
  if (kind < 0.45) return cv::Mat(size, CV_8UC3, random_color(random));
  if (kind < 0.65) return coarse_colors(size, 8, random);
  cv::Mat background;
  cv::resize(other, background, size, 0, 0, cv::INTER_AREA);
  cv::rotate(background, background, cv::ROTATE_180);
  if (happens(random, 0.7)) cv::blur(background, background, {9, 9});
  return background;
}

void vary_face(cv::Mat& rgb, const cv::Mat& mask, const cv::Mat& other, const FaceVariationOptions& options,
               Random& random) {
  if (happens(random, options.background_swap))
    replace_background(rgb, mask, random_background(rgb.size(), other, random));
  if (happens(random, options.relight)) relight(rgb, random);
  if (happens(random, options.cover)) cover_partly(rgb, random);
  if (happens(random, options.soften)) soften(rgb, random);
  degrade(rgb, options.degradation, random);
}

}  // namespace reenact::training
