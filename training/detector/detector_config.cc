// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/detector_config.h"

#include <nlohmann/json.hpp>

#include "training/learning/precision.h"

namespace reenact::training {
namespace {

void read_data(const RunConfig& file, DetectorDataSettings& data) {
  file.read("data.folder", data.folder);
  file.read("data.only_shippable", data.only_shippable);
  file.read("data.longer_side", data.longer_side, 32);
  file.read("data.frame_step", data.heads.frame_step, 1);
  file.read("data.turned_frame_step", data.heads.turned_frame_step, 1);
  file.read("data.face_free_held_out", data.face_free_held_out, 0);
  file.read("data.prefetch", data.prefetch);
}

void read_network(const RunConfig& file, DetectorConfig& network) {
  std::string preset = "lite";
  file.read("network.preset", preset);
  network = detector_preset(preset);
  file.read("network.width", network.width);
  file.read("network.channel_order", network.channel_order);
  file.read("network.subtract_mean", network.subtract_mean);
  network = to_json(network).get<DetectorConfig>();  // refuses what no model file may have
}

void read_learning(const RunConfig& file, DetectorLearningSettings& training) {
  file.read("training.start_from", training.start_from);
  file.read("training.batch_size", training.batch_size, 1);
  file.read("training.picture_sizes", training.picture_sizes, 64, 2048);
  file.read("training.learning_rate", training.learning_rate, above_zero);
  file.read("training.final_rate_share", training.final_rate_share, 0);
  file.read("training.weight_decay", training.weight_decay, 0);
  file.read("training.warm_up_steps", training.warm_up_steps, 0);
  file.read("training.localisation_weight", training.localisation_weight, 0);
  file.read("training.weight_average", training.weight_average, 0, 1);
  file.read("training.gradient_limit", training.gradient_limit, 0);
  read_precision(file, training.precision);
  file.read("training.negatives_per_positive", training.loss.negatives_per_positive, 0);
  file.read("training.least_negatives", training.loss.least_negatives, 0);
  file.read("training.match_overlap", training.match.overlap, 0, 1);
  file.read("training.compensation_overlap", training.match.compensation_overlap, 0, 1);
}

void read_scenes(const RunConfig& file, SceneOptions& scenes) {
  file.read("scenes.photographs", scenes.photographs, 0);
  file.read("scenes.portraits", scenes.portraits, 0);
  file.read("scenes.collages", scenes.collages, 0);
  file.read("scenes.empty", scenes.empty, 0);
  file.read("scenes.faceless", scenes.faceless, 0);
  file.read("scenes.most_heads", scenes.most_heads, 1);
  file.read("scenes.smallest_face", scenes.smallest_face, 4);
  file.read("scenes.largest_face_share", scenes.largest_face_share, 0);
  file.read("scenes.turned_share", scenes.turned_share, 0, 1);
  file.read("scenes.turned_from", scenes.turned_from, 0, 90);
  file.read("scenes.turn", scenes.turn, 0, 1);
  file.read("scenes.largest_turn", scenes.largest_turn, 0, 75);
  file.read("scenes.rotation", scenes.rotation, 0, 180);
  file.read("scenes.narrowest_window", scenes.narrowest_window, above_zero, 1);
  file.read("scenes.texture", scenes.texture, 0, 1);
  file.read("scenes.occlusion", scenes.occlusion.probability, 0, 1);
  file.read("scenes.largest_cover", scenes.occlusion.largest_cover, 0, 1);
  file.read("scenes.textured_things", scenes.occlusion.textured, 0, 1);
  read_light(file, "scenes", scenes.light);
  read_degradation(file, "scenes", scenes.degradation);
}

void read_validation(const RunConfig& file, DetectionSettings& validation) {
  file.read("validation.detect_size", validation.detect_size, 32);
  file.read("validation.score_threshold", validation.score_threshold, 0, 1);
  file.read("validation.thresholds", validation.thresholds);
  file.read("validation.iou_threshold", validation.iou_threshold, 0, 1);
}

}  // namespace

DetectorTrainingConfig read_detector_config(const RunConfig& file) {
  DetectorTrainingConfig config;
  read_data(file, config.data);
  read_network(file, config.network);
  file.read("network.half", config.half);
  read_learning(file, config.training);
  read_scenes(file, config.scenes);
  config.data.heads.turned_from = config.scenes.turned_from;
  read_validation(file, config.validation);
  read_run_schedule(file, config.run);
  return config;
}

}  // namespace reenact::training
