// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <string>

#include "reenact/crop.h"
#include "training/data/random.h"
#include "training/run/run_config.h"

namespace reenact::training {

/// How often a picture is lit or graded in each way (0..1), and how far that goes.
struct LightOptions {
  double lamps = 0.25;           ///< two lamps of different colours and strengths, from two sides
  double grading = 0.15;         ///< one hue over all, or shadows and lights of opposite hues
  double exposure = 0.1;         ///< too dark or too bright
  double shade = 0.2;            ///< of a face: one side in the shade
  double lamp_saturation = 1.0;  ///< of lamps and hues at most, 0 (white) .. 1 (a pure colour)
  double exposure_stops = 2.5;   ///< at most so many too dark; 0.4 of that too bright
  double deepest_shade = 0.08;   ///< share of the light that is left on the dark side, at least
};

/// The keys of the same names in a section, "scenes". Throws Error (invalid).
void read_light(const RunConfig& file, const std::string& section, LightOptions& light);

/// Changes the light on a whole picture: lamps, grading, exposure. RGB CV_8UC3, in place. Every pixel becomes darker,
/// brighter or of another colour where it is; nothing moves. False when nothing was to change this time.
bool relight(cv::Mat& rgb, const LightOptions& options, Random& random);

/// Puts one side of a face into the shade, whose border crosses the face at any angle, sharp or soft; the other side
/// may become brighter. It fades out within half a face's size around the box.
void shade_face(cv::Mat& rgb, const FaceBox& face, const LightOptions& options, Random& random);

}  // namespace reenact::training
