// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "reenact/face_finder.h"
#include "training/detector/clip_alignment.h"
#include "training/detector/detection_pictures.h"

namespace reenact::training {

/// A detector: faces in a picture (RGB CV_8UC3) above a score, after non-maximum suppression at that overlap.
using FaceSearch =
    std::function<std::vector<FaceBox>(const cv::Mat& rgb, float score_threshold, float iou_threshold)>;

/// How pictures are looked at: as the elements do.
struct DetectionSettings {
  int detect_size = FaceFinder::Options().detect_size;  ///< longer pictures are reduced to it, pixels
  float score_threshold = FaceFinder::Options().score_threshold;
  float iou_threshold = FaceFinder::Options().iou_threshold;  ///< of the non-maximum suppression
  float match_iou = 0.5f;  ///< from which a detection counts as the labelled face
  /// Score thresholds that --evaluate compares, besides `score_threshold`.
  std::vector<double> thresholds = {0.5, 0.6, 0.7, 0.97};
};

/// How well the boxes of labelled pictures are found.
struct DetectionScore {
  double average_precision = 0;      ///< area under precision over recall, IoU 0.5, all thresholds
  double recall = 0, precision = 0;  ///< at the score threshold
  int faces = 0, false_alarms = 0, pictures = 0;
};
/// Detections on ignored boxes, and on faces under 10 px, count neither way.
DetectionScore score_pictures(const FaceSearch& search, std::span<const FacePicture> pictures,
                              const DetectionSettings& settings);

/// Pictures without any face: those of split `val`, and of split `train` those that training holds out.
std::vector<FacePicture> face_free_pictures(const std::filesystem::path& folder, int held_out,
                                            int longer_side);
/// Takes the held-out pictures away from a training set: of those without a face, evenly spread, `count`.
std::vector<FacePicture> take_held_out(std::vector<FacePicture>& pictures, int count);

/// The figures the project asks of its detector, as a JSON object: labelled clips of split `val` (whole frames and
/// crops), pictures without a face, labelled pictures of split `val`. The picture is reduced as `reenactcrop` reduces
/// it and never enlarged. `search` looks at the picture as it is given; where it finds nothing above the score
/// threshold in question the picture counts as searched again without its colours, as FaceFinder does.
///
/// What depends on the threshold stands in `thresholds`, a list with one object for each, lowest first, and of
/// `settings.score_threshold` once more at the top. `found_in_colours` leaves the second search out. `turned` counts
/// frames whose yaw (yaw_of() of the labelled face mesh) is at least 30, 40 and 50 degrees: whole frames of split `val`,
/// and, because few of those are turned, crops of the people of split `train` of whom nothing may be shipped
/// (`unseen_crops`; left out where `only_shippable` is false: training has seen them).
nlohmann::json evaluate_detector(const FaceSearch& search, const std::filesystem::path& data,
                                 int face_free_held_out, const DetectionSettings& settings,
                                 bool only_shippable = true);

}  // namespace reenact::training
