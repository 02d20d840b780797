// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/pose_augmentation.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "training/data/pose_distortions.h"

namespace reenact::training {
namespace {

void blur(cv::Mat& rgb, Random& random) {
  const int kind = uniform_int(random, 0, 2);
  if (kind == 0) {
    const double sigma = uniform(random, 0, 1);
    if (sigma >= 1e-3) cv::GaussianBlur(rgb, rgb, {5, 5}, sigma);
  } else if (kind == 1) {
    const int side = uniform_int(random, 1, 3);
    cv::blur(rgb, rgb, {side, side});
  } else {
    cv::medianBlur(rgb, rgb, uniform_int(random, 1, 3) == 1 ? 1 : 3);
  }
}

void sharpen(cv::Mat& rgb, Random& random) {
  const double alpha = uniform(random, 0, 1), lightness = uniform(random, 1, 1.5);
  cv::Mat kernel(3, 3, CV_32F, cv::Scalar(-alpha));
  kernel.at<float>(1, 1) = static_cast<float>(1 - alpha + alpha * (8 + lightness));
  cv::filter2D(rgb, rgb, -1, kernel, {-1, -1}, 0, cv::BORDER_REFLECT_101);
}

void emboss(cv::Mat& rgb, Random& random) {
  const float alpha = static_cast<float>(uniform(random, 0, 1)),
              strength = static_cast<float>(uniform(random, 0, 0.5));
  cv::Mat kernel = (cv::Mat_<float>(3, 3) << -1 - strength, -strength, 0, -strength, 1, strength, 0, strength,
                    1 + strength);
  kernel *= alpha;
  kernel.at<float>(1, 1) += 1 - alpha;
  cv::filter2D(rgb, rgb, -1, kernel, {-1, -1}, 0, cv::BORDER_REFLECT_101);
}

void add_noise(cv::Mat& rgb, Random& random) {
  cv::Mat noise(rgb.size(), CV_16SC1), channels;
  cv::RNG generator(random());
  generator.fill(noise, cv::RNG::NORMAL, 0, uniform(random, 0, 12.75));
  cv::merge(std::array<cv::Mat, 3>{noise, noise, noise}, channels);
  cv::add(rgb, channels, rgb, cv::noArray(), CV_8U);
}

void add_brightness(cv::Mat& rgb, Random& random) {
  cv::Scalar value = cv::Scalar::all(std::round(uniform(random, -10, 10)));
  if (happens(random, 0.5))
    for (int c = 0; c < 3; ++c) value[c] = std::round(uniform(random, -10, 10));
  cv::add(rgb, value, rgb);
}

void add_saturation(cv::Mat& rgb, Random& random) {
  cv::Mat hsv;
  cv::cvtColor(rgb, hsv, cv::COLOR_RGB2HSV);
  cv::add(hsv, cv::Scalar(0, uniform_int(random, -20, 20), 0), hsv);
  cv::cvtColor(hsv, rgb, cv::COLOR_HSV2RGB);
}

void compress(cv::Mat& rgb, Random& random) {
  const int compression = static_cast<int>(uniform(random, 70, 99));
  const int quality = static_cast<int>(std::lround(1 + 99 * (1 - compression / 101.0)));
  std::vector<unsigned char> bytes;
  cv::imencode(".jpg", rgb, bytes, {cv::IMWRITE_JPEG_QUALITY, quality});
  rgb = cv::imdecode(bytes, cv::IMREAD_COLOR);
}

void multiply(cv::Mat& rgb, Random& random) {
  rgb.convertTo(rgb, -1, uniform(random, 0.5, 1.5));
}

void contrast(cv::Mat& rgb, Random& random) {
  if (happens(random, 0.5)) {
    const double alpha = uniform(random, 0.75, 1.25);
    rgb.convertTo(rgb, -1, alpha, 127 * (1 - alpha));
    return;
  }
  const double gain = uniform(random, 3, 11);
  cv::Mat table(1, 256, CV_8U);
  for (int v = 0; v < 256; ++v)
    table.at<unsigned char>(v) = static_cast<unsigned char>(255 / (1 + std::exp(gain * (0.5 - v / 255.0))));
  cv::LUT(rgb, table, rgb);
}

/// Mirrors, scales, rotates and shifts picture, mask and landmarks together.
void transform_together(HeadSample& sample, const AugmentationConfig& config, Random& random) {
  const float side = static_cast<float>(sample.target.cols), center = (side - 1) / 2;
  if (config.flip && happens(random, 0.5)) {
    sample.mirrored = true;
    cv::flip(sample.target, sample.target, 1);
    cv::flip(sample.mask, sample.mask, 1);
    auto points = sample.landmarks;
    const auto& order = mirrored_landmark_order();
    for (std::size_t i = 0; i < points.size(); ++i)
      sample.landmarks[i] = {1 - points[order[i]].x, points[order[i]].y};
  }
  const double scale = config.zoom > 0 ? uniform(random, 1 - config.zoom, 1 + config.zoom) : 1;
  const double angle = config.rotation > 0 ? std::normal_distribution<double>(0, config.rotation)(random) : 0;
  const bool shifted = config.shift > 0 && happens(random, 0.5);
  if (scale == 1 && angle == 0 && !shifted) return;
  cv::Mat matrix = cv::getRotationMatrix2D({center, center}, angle, scale);
  if (shifted) {
    matrix.at<double>(0, 2) += uniform(random, -config.shift, config.shift) * side;
    matrix.at<double>(1, 2) += uniform(random, -config.shift, config.shift) * side;
  }
  cv::warpAffine(sample.target.clone(), sample.target, matrix, sample.target.size(), cv::INTER_LINEAR,
                 cv::BORDER_REFLECT_101);
  cv::warpAffine(sample.mask.clone(), sample.mask, matrix, sample.mask.size(), cv::INTER_LINEAR,
                 cv::BORDER_REFLECT_101);
  for (auto& point : sample.landmarks) {
    const double x = point.x * side - 0.5, y = point.y * side - 0.5;
    point.x = static_cast<float>(
        (matrix.at<double>(0, 0) * x + matrix.at<double>(0, 1) * y + matrix.at<double>(0, 2) + 0.5) / side);
    point.y = static_cast<float>(
        (matrix.at<double>(1, 0) * x + matrix.at<double>(1, 1) * y + matrix.at<double>(1, 2) + 0.5) / side);
  }
}

void swap_background(HeadSample& sample, const HeadFrame& other, Random& random) {
  cv::Mat background(sample.pose_source.size(), CV_8UC3);
  if (happens(random, 0.5)) {
    background =
        cv::Scalar(uniform_int(random, 0, 255), uniform_int(random, 0, 255), uniform_int(random, 0, 255));
    if (happens(random, 0.4)) background = cv::Scalar::all(0);
  } else {
    cv::blur(other.rgb, background, {9, 9});
    cv::rotate(background, background, cv::ROTATE_180);
    if (background.size() != sample.pose_source.size())
      cv::resize(background, background, sample.pose_source.size());
  }
  cv::Mat alpha, picture, behind;
  cv::cvtColor(sample.mask, alpha, cv::COLOR_GRAY2RGB);
  cv::multiply(sample.pose_source, alpha, picture, 1.0 / 255);
  cv::multiply(background, cv::Scalar::all(255) - alpha, behind, 1.0 / 255);
  cv::add(picture, behind, sample.pose_source);
}

void displace_sometimes(cv::Mat& rgb, Random& random) {
  if (happens(random, 0.5)) displace_pixels(rgb, random);
}

}  // namespace

void read_augmentation(const RunConfig& file, AugmentationConfig& augmentation) {
  file.read("augmentation.pixelwise", augmentation.pixelwise);
  file.read("augmentation.affine_scale", augmentation.affine_scale, 0, 1);
  file.read("augmentation.background_swap", augmentation.background_swap, 0, 1);
  file.read("augmentation.shift", augmentation.shift, 0);
  file.read("augmentation.zoom", augmentation.zoom, 0, 1);
  file.read("augmentation.rotation", augmentation.rotation, 0);
  file.read("augmentation.flip", augmentation.flip);
}

void augment_pixels(cv::Mat& rgb, Random& random) {
  static const std::array<void (*)(cv::Mat&, Random&), 11> operations = {
      blur,           sharpen,  emboss,   blend_in_edges, add_noise,         add_brightness,
      add_saturation, compress, multiply, contrast,       displace_sometimes};
  std::array<std::size_t, operations.size()> order;
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random);
  const int count = uniform_int(random, 0, 5);
  for (int i = 0; i < count; ++i) operations[order[i]](rgb, random);
}

HeadSample augment(const HeadFrame& frame, const HeadFrame& other, const AugmentationConfig& config,
                   Random& random) {
  HeadSample sample{{}, frame.rgb.clone(), frame.mask.clone(), frame.landmarks, false};
  transform_together(sample, config, random);
  sample.pose_source = sample.target.clone();
  if (config.background_swap > 0 && happens(random, config.background_swap))
    swap_background(sample, other, random);
  if (config.pixelwise) augment_pixels(sample.pose_source, random);
  if (config.affine_scale > 0 && happens(random, 0.5)) {
    const double sx = uniform(random, 1 - config.affine_scale, 1 + config.affine_scale);
    const double sy = uniform(random, 1 - config.affine_scale, 1 + config.affine_scale);
    const double center = (sample.pose_source.cols - 1) / 2.0;
    const cv::Mat matrix = (cv::Mat_<double>(2, 3) << sx, 0, center * (1 - sx), 0, sy, center * (1 - sy));
    cv::warpAffine(sample.pose_source.clone(), sample.pose_source, matrix, sample.pose_source.size(),
                   cv::INTER_LINEAR, cv::BORDER_REFLECT_101);
  }
  return sample;
}

}  // namespace reenact::training
