// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <vector>

#include "reenact/config.h"
#include "training/detector/anchor_matching.h"
#include "training/detector/detector_evaluation.h"
#include "training/detector/multibox_loss.h"
#include "training/detector/scene_composer.h"
#include "training/run/run_config.h"

namespace reenact::training {

/// [data]
struct DetectorDataSettings {
  std::filesystem::path folder;
  bool only_shippable = true;
  int longer_side = 384;        ///< pictures are kept in memory at this size
  HeadChoice heads;             ///< frame_step and turned_frame_step; turned_from is that of the scenes
  int face_free_held_out = 40;  ///< pictures without a face kept for --evaluate
  bool prefetch = true;         ///< compose the next batch in a second thread
};

/// [training]
struct DetectorLearningSettings {
  /// Detector model whose weights training begins with; empty: random ones.
  std::filesystem::path start_from;
  int batch_size = 16;
  std::vector<int> picture_sizes = {256, 320};  ///< drawn anew for each step, pixels
  /// The rate rises for `warm_up_steps`, then falls along a cosine until the last step.
  double learning_rate = 1e-3, final_rate_share = 0.02, weight_decay = 1e-4;
  std::int64_t warm_up_steps = 200;
  double localisation_weight = 1.0, weight_average = 0.998, gradient_limit = 10;
  torch::ScalarType precision = torch::kBFloat16;
  MatchOptions match;
  MultiboxOptions loss;
};

/// Everything `reenact-train detector` can be told, section by section; configs/detector.toml explains the
/// keys.
struct DetectorTrainingConfig {
  DetectorDataSettings data;
  DetectorConfig network = detector_preset("lite");
  bool half = true;  ///< network.half: store the weights as float16
  DetectorLearningSettings training;
  SceneOptions scenes;
  DetectionSettings validation;
  RunSchedule run{.steps = 4000};
};

/// Throws Error (invalid).
DetectorTrainingConfig read_detector_config(const RunConfig& file);

}  // namespace reenact::training
