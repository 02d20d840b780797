// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "training/detector/detection_pictures.h"

namespace reenact::training {

/// The labelled frames of a clip, whole and cropped.
struct LabelledClip {
  std::string id;
  std::vector<FacePicture>
      whole;  ///< frames as published, reduced to `longer_side`; empty without drivers/<id>.mp4
  std::vector<FacePicture> crops;          ///< frames of clips/<id>/rgb.mp4
  std::vector<std::optional<double>> yaw;  ///< of each labelled frame, degrees, as yaw_of() tells
  int first_frame = 0,
      frame_step = 1;  ///< crop i shows frame first_frame + i * frame_step of the published clip
  double alignment_error =
      0;  ///< mean absolute grey difference of crops and windows of the whole frames, 0..255
};

/// Reads the clips of one split with their face boxes.
///
/// A crop is the window of the published frame around its labelled box, squared and enlarged by the column
/// `crop_scale`. The labels do not say which frame that was; it is found by comparing pictures: the published
/// clip is sampled at the whole number of frames nearest to 12.5 a second, from the first frame that fits
/// best. Throws Error (not_found, corrupt) naming the file.
std::vector<LabelledClip> read_labelled_clips(const std::filesystem::path& folder, const std::string& split,
                                              int longer_side);

/// Crops of the clips of split "train" that may not be shipped, and of people of whom no clip may, in which the face is
/// turned by `least_yaw` degrees at least: with their yaw. A model trained on what may be shipped has not seen them.
/// Throws Error as read_labelled_clips(); none is not an error.
std::vector<std::pair<FacePicture, double>> read_turned_unseen_crops(const std::filesystem::path& folder,
                                                                     double least_yaw);

}  // namespace reenact::training
