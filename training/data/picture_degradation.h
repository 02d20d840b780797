// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <string>

#include "training/data/random.h"
#include "training/run/run_config.h"

namespace reenact::training {

/// How often a picture is changed in each way, 0..1.
struct DegradationOptions {
  double colour = 0.8;  ///< brightness, contrast, gamma, colour cast, saturation
  double grey = 0.06;
  double blur = 0.2;   ///< Gaussian, sigma up to 1.5 px, or of motion
  double jpeg = 0.25;  ///< quality 25..90
  double noise = 0.2;  ///< Gaussian, deviation up to 12 of 255
};

/// The keys of the same names in a section, "scenes" or "samples". Throws Error (invalid).
void read_degradation(const RunConfig& file, const std::string& section, DegradationOptions& degradation);

/// Makes a clean picture look as if another camera and another codec had made it. RGB CV_8UC3, in place.
void degrade(cv::Mat& rgb, const DegradationOptions& options, Random& random);

}  // namespace reenact::training
