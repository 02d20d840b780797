// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <string>

#include "training/data/head_clip.h"
#include "training/data/picture_degradation.h"
#include "training/data/random.h"

namespace reenact::training {

/// How often a picture of a head is changed in each way that leaves the shape of the face alone, 0..1.
struct FaceVariationOptions {
  double background_swap =
      0.6;               ///< black, a flat color, a color gradient or another picture behind the person
  double relight = 0.5;  ///< brighter and darker across the picture
  double cover = 0.15;   ///< a patch over a part of it
  double soften = 0.25;  ///< shrunk and enlarged again
  DegradationOptions degradation{.colour = 0.8, .grey = 0.1, .blur = 0.2, .jpeg = 0.25, .noise = 0.2};
};

/// The keys of these names in `section`. Throws Error (invalid).
void read_face_variation(const RunConfig& file, const std::string& section, FaceVariationOptions& variation);

/// What is not the person replaced. `mask` CV_8UC1 and `background` RGB CV_8UC3 have the picture's size.
void replace_background(cv::Mat& rgb, const cv::Mat& mask, const cv::Mat& background);
/// A background of a size, made up or taken from a picture (RGB CV_8UC3, any size).
cv::Mat random_background(cv::Size size, const cv::Mat& other, Random& random);

/// Changes a picture in some of these ways, in place. RGB CV_8UC3 with its mask; `other` lends a background.
void vary_face(cv::Mat& rgb, const cv::Mat& mask, const cv::Mat& other, const FaceVariationOptions& options,
               Random& random);

}  // namespace reenact::training
