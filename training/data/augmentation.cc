// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/augmentation.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "media/jpeg_codec.h"
#include "training/data/foreground_colors.h"

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
  rgb = decode_jpeg(encode_jpeg(rgb, quality));
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
  file.read("augmentation.warp", augmentation.warp, 0, 0.2);
  file.read("augmentation.background_swap", augmentation.background_swap, 0, 1);
  file.read("augmentation.shift", augmentation.shift, 0);
  file.read("augmentation.zoom", augmentation.zoom, 0, 1);
  file.read("augmentation.rotation", augmentation.rotation, 0);
  file.read("augmentation.flip", augmentation.flip);
  file.read("augmentation.decontaminate", augmentation.decontaminate);
}

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

void warp_smoothly(cv::Mat& rgb, double reach, Random& random) {
  constexpr int points = 4;
  const float most = static_cast<float>(reach * rgb.cols);
  cv::Mat coarse(points, points, CV_32FC2), displacements, map(rgb.size(), CV_32FC2), warped;
  cv::RNG(random()).fill(coarse, cv::RNG::UNIFORM, -most, most);
  cv::resize(coarse, displacements, rgb.size(), 0, 0, cv::INTER_CUBIC);
  for (int row = 0; row < rgb.rows; ++row)
    for (int column = 0; column < rgb.cols; ++column)
      map.at<cv::Vec2f>(row, column) = displacements.at<cv::Vec2f>(row, column) +
                                       cv::Vec2f(static_cast<float>(column), static_cast<float>(row));
  cv::remap(rgb, warped, map, cv::noArray(), cv::INTER_LINEAR, cv::BORDER_REFLECT_101);
  rgb = warped;
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
                   Random& random, const std::function<cv::Mat(const cv::Mat&)>& seen) {
  HeadSample sample{{}, frame.rgb.clone(), frame.mask.clone(), frame.landmarks, false, frame.descriptor};
  transform_together(sample, config, random);
  sample.pose_source = sample.target.clone();
  if (config.background_swap > 0 && happens(random, config.background_swap))
    swap_background(sample, other, random);
  if (seen) sample.pose_source = seen(sample.pose_source);
  if (config.pixelwise) augment_pixels(sample.pose_source, random);
  if (config.affine_scale > 0 && happens(random, 0.5)) {
    const double sx = uniform(random, 1 - config.affine_scale, 1 + config.affine_scale);
    const double sy = uniform(random, 1 - config.affine_scale, 1 + config.affine_scale);
    const double center = (sample.pose_source.cols - 1) / 2.0;
    const cv::Mat matrix = (cv::Mat_<double>(2, 3) << sx, 0, center * (1 - sx), 0, sy, center * (1 - sy));
    cv::warpAffine(sample.pose_source.clone(), sample.pose_source, matrix, sample.pose_source.size(),
                   cv::INTER_LINEAR, cv::BORDER_REFLECT_101);
  }
  if (config.warp > 0 && happens(random, 0.5)) warp_smoothly(sample.pose_source, config.warp, random);
  if (config.decontaminate) sample.target = foreground_colors(sample.target, sample.mask);
  return sample;
}

const std::vector<int>& mirrored_landmark_order() {
  // Found by matching the mean of many upright faces with its own mirror image.
  static const std::vector<int> order = {
      0,   1,   2,   248, 4,   5,   6,   249, 8,   9,   10,  11,  12,  13,  14,  15,  16,  17,  18,  19,  250,
      251, 252, 253, 254, 255, 256, 257, 258, 259, 260, 261, 262, 263, 264, 265, 266, 267, 268, 269, 270, 271,
      272, 273, 274, 275, 276, 277, 278, 279, 280, 281, 282, 283, 284, 285, 286, 287, 288, 289, 290, 291, 292,
      293, 294, 295, 296, 297, 298, 299, 300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311, 312, 313,
      314, 315, 316, 317, 318, 319, 320, 321, 322, 323, 94,  324, 325, 326, 327, 328, 329, 330, 331, 332, 333,
      334, 335, 336, 337, 338, 339, 340, 341, 342, 343, 344, 345, 346, 347, 348, 349, 350, 351, 352, 353, 354,
      355, 356, 357, 358, 359, 360, 361, 362, 363, 364, 365, 366, 367, 368, 369, 370, 371, 372, 373, 374, 375,
      376, 377, 378, 379, 151, 152, 380, 381, 382, 383, 384, 385, 386, 387, 388, 389, 390, 164, 391, 392, 393,
      168, 394, 395, 396, 397, 398, 399, 175, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412,
      413, 414, 415, 416, 417, 418, 195, 419, 197, 420, 199, 200, 421, 422, 423, 424, 425, 426, 427, 428, 429,
      430, 431, 432, 433, 434, 435, 436, 437, 438, 439, 440, 441, 442, 443, 444, 445, 446, 447, 448, 449, 450,
      451, 452, 453, 454, 455, 456, 457, 458, 459, 460, 461, 462, 463, 464, 465, 466, 467, 3,   7,   20,  21,
      22,  23,  24,  25,  26,  27,  28,  29,  30,  31,  32,  33,  34,  35,  36,  37,  38,  39,  40,  41,  42,
      43,  44,  45,  46,  47,  48,  49,  50,  51,  52,  53,  54,  55,  56,  57,  58,  59,  60,  61,  62,  63,
      64,  65,  66,  67,  68,  69,  70,  71,  72,  73,  74,  75,  76,  77,  78,  79,  80,  81,  82,  83,  84,
      85,  86,  87,  88,  89,  90,  91,  92,  93,  95,  96,  97,  98,  99,  100, 101, 102, 103, 104, 105, 106,
      107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
      128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144, 145, 146, 147, 148,
      149, 150, 153, 154, 155, 156, 157, 158, 159, 160, 161, 162, 163, 165, 166, 167, 169, 170, 171, 172, 173,
      174, 176, 177, 178, 179, 180, 181, 182, 183, 184, 185, 186, 187, 188, 189, 190, 191, 192, 193, 194, 196,
      198, 201, 202, 203, 204, 205, 206, 207, 208, 209, 210, 211, 212, 213, 214, 215, 216, 217, 218, 219, 220,
      221, 222, 223, 224, 225, 226, 227, 228, 229, 230, 231, 232, 233, 234, 235, 236, 237, 238, 239, 240, 241,
      242, 243, 244, 245, 246, 247, 473, 476, 475, 474, 477, 468, 471, 470, 469, 472};
  return order;
}

}  // namespace reenact::training
