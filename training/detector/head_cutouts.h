// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <vector>

#include "reenact/crop.h"
#include "training/data/head_clip_reader.h"

namespace reenact::training {

/// A head to lay over other backgrounds.
struct HeadCutout {
  cv::Mat rgb;   ///< CV_8UC3, square
  cv::Mat mask;  ///< CV_8UC1, 255 = person
  FaceBox face;  ///< pixels of `rgb`
  std::string person;
  std::optional<double> yaw = std::nullopt;  ///< degrees, as yaw_of() tells; empty without landmarks
  cv::Point2f nose_tip = {};                 ///< pixels of `rgb`; only with a yaw
};

/// Which frames of clips become heads.
struct HeadChoice {
  int frame_step = 10;        ///< one of so many frames,
  int turned_frame_step = 2;  ///<   and of the frames turned to the side one of so many
  double turned_from = 25;    ///< degrees of yaw from which a frame counts as turned
};

/// Column `boxes` of clips/<id>/labels.safetensors: pixels of the published frames.
/// Throws Error (not_found, corrupt, wrong_kind) naming the file.
std::vector<FaceBox> read_clip_boxes(const std::filesystem::path& clip_folder);

/// Yaw of each frame of clips/<id>/labels.safetensors, column `landmarks`, as yaw_of() tells. Throws as read_clip_boxes().
std::vector<std::optional<double>> read_clip_yaws(const std::filesystem::path& clip_folder);

/// Where a labelled box lies in the crop that was cut around it: squared, enlarged by `crop_scale`, scaled to
/// `side`.
FaceBox face_box_of_crop(const FaceBox& labelled, double crop_scale, double side);

/// The face box in WIDER FACE's convention that belongs to mediapipe landmarks (0..1 of a square picture of
/// `side` pixels): their bounding box with the forehead added.
FaceBox face_box_of_landmarks(const std::vector<cv::Point2f>& landmarks, double side);

/// How many clips and stills gave how many heads.
struct HeadCutouts {
  std::vector<HeadCutout> heads;
  int clips = 0, stills = 0;
};

/// Heads of the clips and stills of split "train", 256 pixels square: of clips with the boxes they are labelled with, of
/// stills with boxes after their landmarks; stills without landmarks are left out. Decodes on all cores; the order is
/// that of the tables. Throws Error (not_found, corrupt) naming the file.
HeadCutouts read_head_cutouts(const std::filesystem::path& folder, bool only_shippable,
                              const HeadChoice& choice);

}  // namespace reenact::training
