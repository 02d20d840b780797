// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <opencv2/core.hpp>
#include <random>
#include <vector>

#include "training/data/head_clip.h"
#include "training/data/random.h"
#include "training/run/run_config.h"

namespace reenact::training {

/// What happens to a frame before it becomes a training sample.
struct AugmentationConfig {
  // Of the pose source alone: the transformation A of section 3.3 of the paper, ranges of the released code.
  // It changes how the person looks and keeps the pose, so that the pose descriptor cannot carry the
  // identity.
  bool pixelwise = true;      ///< blur, sharpening, contrast, brightness, saturation, noise, JPEG
  double affine_scale = 0.2;  ///< x and y scaled independently by 1 -+ this, every second sample
  double warp = 0.0;          ///< smooth displacements of at most this share of the side, every second sample
  double background_swap = 0.0;  ///< probability that the background becomes a flat colour or another picture
  // Of pose source and target together.
  double shift = 0.05;         ///< translation by at most this share of the side, every second sample
  double zoom = 0.0;           ///< scaled by 1 -+ this
  double rotation = 0.0;       ///< standard deviation, degrees
  bool flip = false;           ///< mirrored every second time; a mirrored person counts as another identity
  bool decontaminate = false;  ///< the target shows foreground_colors(), free of the old background's
};

/// Section [augmentation]. Throws Error (invalid).
void read_augmentation(const RunConfig& file, AugmentationConfig& augmentation);

/// One training sample: what the pose encoder sees and what the generator shall draw.
struct HeadSample {
  cv::Mat pose_source;                 ///< RGB CV_8UC3
  cv::Mat target;                      ///< RGB CV_8UC3 with its background
  cv::Mat mask;                        ///< CV_8UC1
  std::vector<cv::Point2f> landmarks;  ///< of the target, 0..1 of the side; may be empty
  bool mirrored = false;
  std::vector<float> descriptor;  ///< the frame's; augmentation leaves it as it is
};

/// Order of the 478 mediapipe face-mesh points after mirroring a picture.
const std::vector<int>& mirrored_landmark_order();

/// Draws a sample from a frame. `other` lends its picture as a background; it may be the frame itself. `seen` makes of the
/// pose source what its encoder looks at, before that is changed alone; without it the encoder sees the picture.
HeadSample augment(const HeadFrame& frame, const HeadFrame& other, const AugmentationConfig& config,
                   Random& random, const std::function<cv::Mat(const cv::Mat&)>& seen = {});

/// The pixelwise part of A on an RGB picture.
void augment_pixels(cv::Mat& rgb, Random& random);
/// One operation of it: edges by a Laplacian, blended in where a random map says so: smooth noise of 2 to 16
/// cells a side, where the released code's is simplex noise.
void blend_in_edges(cv::Mat& rgb, Random& random);
/// Bends an RGB picture smoothly: points of a grid of 4 x 4 move by up to `reach` of the side, those between them with them.
void warp_smoothly(cv::Mat& rgb, double reach, Random& random);
/// Another: every pixel comes from a place at most 3.5 pixels away in x and in y; black where that lies outside.
void displace_pixels(cv::Mat& rgb, Random& random);

}  // namespace reenact::training
