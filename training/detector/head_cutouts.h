// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "reenact/crop.h"
#include "training/data/clips_in_memory.h"

namespace reenact::training {

/// A head to lay over other backgrounds; the pictures are shared with the data set they come from.
struct HeadCutout {
  cv::Mat rgb;   ///< CV_8UC3, square
  cv::Mat mask;  ///< CV_8UC1, 255 = person
  FaceBox face;  ///< pixels of `rgb`
  std::string person;
};

/// Column `boxes` of clips/<id>/labels.safetensors: pixels of the published frames.
/// Throws Error (not_found, corrupt, wrong_kind) naming the file.
std::vector<FaceBox> read_clip_boxes(const std::filesystem::path& clip_folder);

/// Where a labelled box lies in the crop that was cut around it: squared, enlarged by `crop_scale`, scaled to
/// `side`.
FaceBox face_box_of_crop(const FaceBox& labelled, double crop_scale, double side);

/// The face box in WIDER FACE's convention that belongs to mediapipe landmarks (0..1 of a square picture of
/// `side` pixels): their bounding box with the forehead added.
FaceBox face_box_of_landmarks(const std::vector<cv::Point2f>& landmarks, double side);

/// Heads of clips, with the boxes they are labelled with, and of stills, with boxes after their landmarks.
/// `frame_step` is the one the clips were read with. Stills without landmarks are left out.
std::vector<HeadCutout> head_cutouts(const std::filesystem::path& folder, const std::vector<HeadClip>& clips,
                                     int frame_step);

}  // namespace reenact::training
