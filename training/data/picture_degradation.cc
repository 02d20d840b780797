// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/picture_degradation.h"

#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "media/jpeg_codec.h"

namespace reenact::training {
namespace {

/// One look-up table a channel does contrast, brightness, gamma and colour cast together.
void change_tones(cv::Mat& rgb, Random& random) {
  const double contrast = std::exp(uniform(random, -0.5, 0.4)), brightness = uniform(random, -0.18, 0.18);
  const double gamma = std::exp(uniform(random, -0.4, 0.4));
  cv::Mat table(1, 256, CV_8UC3);
  double cast[3];
  // Now and then as strong as in films graded to one colour.
  const double reach = happens(random, 0.25) ? 0.7 : 0.15;
  for (auto& gain : cast) gain = std::exp(uniform(random, -reach, reach));
  for (int value = 0; value < 256; ++value) {
    for (int channel = 0; channel < 3; ++channel) {
      double tone = std::pow(value / 255.0, gamma) * cast[channel];
      tone = (tone - 0.5) * contrast + 0.5 + brightness;
      table.at<cv::Vec3b>(0, value)[channel] = cv::saturate_cast<uchar>(tone * 255);
    }
  }
  cv::LUT(rgb, table, rgb);
}

/// Towards grey (share 0: grey) or away from it.
void change_saturation(cv::Mat& rgb, double share) {
  const float r = 0.299f, g = 0.587f, b = 0.114f, s = static_cast<float>(share);
  const cv::Matx33f mix(r + s * (1 - r), g - s * g, b - s * b,  //
                        r - s * r, g + s * (1 - g), b - s * b,  //
                        r - s * r, g - s * g, b + s * (1 - b));
  cv::transform(rgb, rgb, mix);
}

void blur_or_smear(cv::Mat& rgb, Random& random) {
  if (happens(random, 0.7)) {
    cv::GaussianBlur(rgb, rgb, {}, uniform(random, 0.3, 1.5));
    return;
  }
  const int length = 3 + 2 * static_cast<int>(uniform(random, 0, 3));
  if (happens(random, 0.5))
    cv::blur(rgb, rgb, {length, 1});
  else
    cv::blur(rgb, rgb, {1, length});
}

void compress_strongly(cv::Mat& rgb, Random& random) {
  rgb = decode_jpeg(encode_jpeg(rgb, static_cast<int>(uniform(random, 25, 90))));
}

void add_color_noise(cv::Mat& rgb, Random& random) {
  cv::Mat noise(rgb.size(), CV_16SC3), wide;
  cv::RNG generator(random());
  generator.fill(noise, cv::RNG::NORMAL, 0, uniform(random, 2, 12));
  rgb.convertTo(wide, CV_16SC3);
  wide += noise;
  wide.convertTo(rgb, CV_8UC3);
}

}  // namespace

void read_degradation(const RunConfig& file, const std::string& section, DegradationOptions& degradation) {
  file.read(section + ".colour", degradation.colour, 0, 1);
  file.read(section + ".grey", degradation.grey, 0, 1);
  file.read(section + ".blur", degradation.blur, 0, 1);
  file.read(section + ".jpeg", degradation.jpeg, 0, 1);
  file.read(section + ".noise", degradation.noise, 0, 1);
}

void degrade(cv::Mat& rgb, const DegradationOptions& options, Random& random) {
  if (happens(random, options.blur)) blur_or_smear(rgb, random);
  if (happens(random, options.colour)) {
    change_tones(rgb, random);
    if (happens(random, 0.5)) change_saturation(rgb, uniform(random, 0.3, 1.6));
  }
  if (happens(random, options.grey)) change_saturation(rgb, 0);
  if (happens(random, options.noise)) add_color_noise(rgb, random);
  if (happens(random, options.jpeg)) compress_strongly(rgb, random);
}

}  // namespace reenact::training
