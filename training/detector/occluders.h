// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "reenact/crop.h"
#include "training/data/random.h"
#include "training/detector/detection_pictures.h"

namespace reenact::training {

/// What is held before faces.
struct OcclusionOptions {
  double probability = 0.3;    ///< of each face
  double largest_cover = 0.5;  ///< share of the face box that may be hidden
  double textured = 0.5;       ///< probability that a patch of another picture lies on the thing
};

/// Draws a thing before a face: a hand, a microphone, a cup, a mask, dark glasses or a plain patch, most of them before
/// the mouth and the lower half. `rgb` CV_8UC3, in place; `textures` lend their patches and may be empty. Returns the
/// share of the face box that is hidden now; 0 when nothing was drawn because each try hid too much.
double occlude(cv::Mat& rgb, const FaceBox& face, const std::vector<const FacePicture*>& textures,
               const OcclusionOptions& options, Random& random);

/// Lays `over` upon `under`, both CV_8UC3 of one size, where `mask`, CV_8UC1, is above 0; 255 hides what was there.
void lay_over(const cv::Mat& over, const cv::Mat& mask, cv::Mat& under);

}  // namespace reenact::training
