// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/picture_light.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace reenact::training {
namespace {

constexpr int field_side = 24;  // cells along each side of a field of light: it is smooth

/// A colour of mean 1 whose hue goes round with `turn`, 0..1.
cv::Vec3f hue(double turn, double saturation) {
  cv::Vec3f colour;
  float sum = 0;
  for (int channel = 0; channel < 3; ++channel) {
    const double pure = 0.5 + 0.5 * std::cos(2 * CV_PI * (turn - channel / 3.0));
    colour[channel] = static_cast<float>(1 - saturation * (1 - pure));
    sum += colour[channel];
  }
  return colour * (3 / sum);
}

cv::Vec3f any_hue(const LightOptions& options, Random& random) {
  return hue(uniform(random, 0, 1), uniform(random, 0, options.lamp_saturation));
}

/// From 0 to 1 across a border; `width` is how soft it is.
double step_across(double distance, double width) {
  return 1 / (1 + std::exp(-distance / width));
}

/// Multiplies every pixel by the field of light, CV_32FC3, stretched over the picture.
void multiply_by(const cv::Mat& field, cv::Mat& rgb) {
  cv::Mat gains;
  cv::resize(field, gains, rgb.size(), 0, 0, cv::INTER_LINEAR);
  for (int y = 0; y < rgb.rows; ++y) {
    auto* pixel = rgb.ptr<cv::Vec3b>(y);
    const auto* gain = gains.ptr<cv::Vec3f>(y);
    for (int x = 0; x < rgb.cols; ++x)
      for (int c = 0; c < 3; ++c)
        pixel[x][c] =
            static_cast<uchar>(std::min(255.f, static_cast<float>(pixel[x][c]) * gain[x][c] + 0.5f));
  }
}

void light_with_lamps(cv::Mat& rgb, const LightOptions& options, Random& random) {
  const cv::Vec3f first = any_hue(options, random) * std::exp(uniform(random, -1, 0.4));
  const cv::Vec3f second = any_hue(options, random) * std::exp(uniform(random, -1, 0.4));
  const double angle = uniform(random, 0, 2 * CV_PI), offset = uniform(random, -0.35, 0.35);
  const double width = uniform(random, 0.03, 0.3);
  cv::Mat field(field_side, field_side, CV_32FC3);
  for (int y = 0; y < field_side; ++y) {
    for (int x = 0; x < field_side; ++x) {
      const double across = (x + 0.5) / field_side - 0.5, down = (y + 0.5) / field_side - 0.5;
      const auto share =
          static_cast<float>(step_across(across * std::cos(angle) + down * std::sin(angle) - offset, width));
      field.at<cv::Vec3f>(y, x) = first * (1 - share) + second * share;
    }
  }
  multiply_by(field, rgb);
}

/// Everything in shades of one hue, as under the lamps of a stage.
void grade_to_one_hue(cv::Mat& rgb, const LightOptions& options, Random& random) {
  const auto tint = hue(uniform(random, 0, 1), uniform(random, 0.4, 1) * options.lamp_saturation);
  const auto share = static_cast<float>(uniform(random, 0.5, 1));
  const cv::Vec3f luminance(0.299f, 0.587f, 0.114f);
  cv::Matx33f mix;
  for (int to = 0; to < 3; ++to)
    for (int from = 0; from < 3; ++from)
      mix(to, from) = share * luminance[from] * tint[to] + (to == from ? 1 - share : 0);
  cv::transform(rgb, rgb, mix);
}

/// Shadows of one hue and lights of the opposite one, as films are graded to teal and orange.
void grade_shadows_and_lights(cv::Mat& rgb, const LightOptions& options, Random& random) {
  const double turn = uniform(random, 0, 1);
  const auto shadows = hue(turn, uniform(random, 0.2, 0.9) * options.lamp_saturation);
  const auto lights =
      hue(turn + uniform(random, 0.4, 0.6), uniform(random, 0, 0.7) * options.lamp_saturation);
  cv::Mat table(1, 256, CV_8UC3);
  for (int value = 0; value < 256; ++value)
    for (int channel = 0; channel < 3; ++channel)
      table.at<cv::Vec3b>(0, value)[channel] = cv::saturate_cast<uchar>(
          value * (shadows[channel] + (lights[channel] - shadows[channel]) * value / 255.0));
  cv::LUT(rgb, table, rgb);
}

void expose_wrongly(cv::Mat& rgb, const LightOptions& options, Random& random) {
  const bool dark = happens(random, 0.6);
  const double most = dark ? options.exposure_stops : options.exposure_stops * 0.4;
  const double stops = uniform(random, 0.3, 1) * most;
  rgb.convertTo(rgb, CV_8UC3, std::exp2(dark ? -stops : stops));
}

}  // namespace

void read_light(const RunConfig& file, const std::string& section, LightOptions& light) {
  file.read(section + ".lamps", light.lamps, 0, 1);
  file.read(section + ".grading", light.grading, 0, 1);
  file.read(section + ".exposure", light.exposure, 0, 1);
  file.read(section + ".shade", light.shade, 0, 1);
  file.read(section + ".lamp_saturation", light.lamp_saturation, 0, 1);
  file.read(section + ".exposure_stops", light.exposure_stops, 0, 8);
  file.read(section + ".deepest_shade", light.deepest_shade, above_zero, 1);
}

bool relight(cv::Mat& rgb, const LightOptions& options, Random& random) {
  const bool lamps = happens(random, options.lamps);
  if (lamps) light_with_lamps(rgb, options, random);
  const bool grading = happens(random, options.grading);
  if (grading && happens(random, 0.5))
    grade_to_one_hue(rgb, options, random);
  else if (grading)
    grade_shadows_and_lights(rgb, options, random);
  const bool exposure = happens(random, options.exposure);
  if (exposure) expose_wrongly(rgb, options, random);
  return lamps || grading || exposure;
}

void shade_face(cv::Mat& rgb, const FaceBox& face, const LightOptions& options, Random& random) {
  const double angle = uniform(random, 0, 2 * CV_PI), offset = uniform(random, -0.2, 0.25);
  const double width = std::exp(uniform(random, std::log(0.015), std::log(0.2)));
  const double dark = std::exp(
      uniform(random, std::log(options.deepest_shade), std::log(std::max(0.6, options.deepest_shade))));
  const cv::Vec3f shade = any_hue(options, random) * dark;
  const cv::Vec3f light =
      hue(uniform(random, 0, 1), uniform(random, 0, 0.4) * options.lamp_saturation) * uniform(random, 1, 1.6);

  const double size = std::max(face.width(), face.height());
  const cv::Point2d center((face.left + face.right) / 2, (face.top + face.bottom) / 2);
  const cv::Rect whole(cv::Point(static_cast<int>(center.x - size), static_cast<int>(center.y - size)),
                       cv::Size(static_cast<int>(2 * size), static_cast<int>(2 * size)));
  const cv::Rect region = whole & cv::Rect({}, rgb.size());
  if (region.empty()) return;
  cv::Mat field(field_side, field_side, CV_32FC3);
  for (int y = 0; y < field_side; ++y) {
    for (int x = 0; x < field_side; ++x) {
      const double across = (region.x + (x + 0.5) * region.width / field_side - center.x) / size;
      const double down = (region.y + (y + 0.5) * region.height / field_side - center.y) / size;
      const auto share =
          static_cast<float>(step_across(across * std::cos(angle) + down * std::sin(angle) - offset, width));
      // Whole on the face, nothing left at the region's border.
      const auto reach = static_cast<float>(std::clamp((1 - std::hypot(across, down)) / 0.45, 0.0, 1.0));
      field.at<cv::Vec3f>(y, x) = cv::Vec3f::all(1 - reach) + (light * (1 - share) + shade * share) * reach;
    }
  }
  cv::Mat part = rgb(region);
  multiply_by(field, part);
}

}  // namespace reenact::training
