// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/detector_config.h"

#include <nlohmann/json.hpp>

#include "reenact/error.h"
#include "training/learning/precision.h"

namespace reenact::training {
namespace {

void read_scenes(const RunConfig& file, SceneOptions& scenes) {
  scenes.photographs = file.number("scenes.photographs", scenes.photographs);
  scenes.portraits = file.number("scenes.portraits", scenes.portraits);
  scenes.collages = file.number("scenes.collages", scenes.collages);
  scenes.empty = file.number("scenes.empty", scenes.empty);
  scenes.most_heads = static_cast<int>(file.integer("scenes.most_heads", scenes.most_heads));
  scenes.smallest_face = file.number("scenes.smallest_face", scenes.smallest_face);
  scenes.largest_face_share = file.number("scenes.largest_face_share", scenes.largest_face_share);
  scenes.occlusion = file.number("scenes.occlusion", scenes.occlusion);
  auto& degradation = scenes.degradation;
  degradation.colour = file.number("scenes.colour", degradation.colour);
  degradation.grey = file.number("scenes.grey", degradation.grey);
  degradation.blur = file.number("scenes.blur", degradation.blur);
  degradation.jpeg = file.number("scenes.jpeg", degradation.jpeg);
  degradation.noise = file.number("scenes.noise", degradation.noise);
}

void check(bool good, const std::string& sentence) {
  if (!good) throw Error(ErrorCode::invalid, sentence);
}

}  // namespace

DetectorTrainingConfig read_detector_config(const RunConfig& file) {
  DetectorTrainingConfig config;
  config.data = file.text("data.folder", "");
  config.only_shippable = file.boolean("data.only_shippable", config.only_shippable);
  config.longer_side = static_cast<int>(file.integer("data.longer_side", config.longer_side));
  config.frame_step = static_cast<int>(file.integer("data.frame_step", config.frame_step));
  config.face_free_held_out =
      static_cast<int>(file.integer("data.face_free_held_out", config.face_free_held_out));
  config.prefetch = file.boolean("data.prefetch", config.prefetch);

  config.network = detector_preset(file.text("network.preset", "lite"));
  nlohmann::json network = config.network;
  network["width"] = file.number("network.width", config.network.width);
  network["channel_order"] = file.text("network.channel_order", config.network.channel_order);
  network["subtract_mean"] = file.boolean("network.subtract_mean", config.network.subtract_mean);
  network.get_to(config.network);
  config.half = file.boolean("network.half", config.half);

  config.start_from = file.text("training.start_from", "");
  config.batch_size = static_cast<int>(file.integer("training.batch_size", config.batch_size));
  config.picture_sizes.clear();
  for (const double size : file.numbers("training.picture_sizes", {256, 320}))
    config.picture_sizes.push_back(static_cast<int>(size));
  config.learning_rate = file.number("training.learning_rate", config.learning_rate);
  config.final_rate_share = file.number("training.final_rate_share", config.final_rate_share);
  config.weight_decay = file.number("training.weight_decay", config.weight_decay);
  config.warm_up_steps = file.integer("training.warm_up_steps", config.warm_up_steps);
  config.localisation_weight = file.number("training.localisation_weight", config.localisation_weight);
  config.weight_average = file.number("training.weight_average", config.weight_average);
  config.gradient_limit = file.number("training.gradient_limit", config.gradient_limit);
  config.precision = read_precision(file, config.precision);
  config.loss.negatives_per_positive =
      file.number("training.negatives_per_positive", config.loss.negatives_per_positive);
  config.loss.least_negatives = file.integer("training.least_negatives", config.loss.least_negatives);
  config.match.overlap = static_cast<float>(file.number("training.match_overlap", config.match.overlap));
  config.match.compensation_overlap =
      static_cast<float>(file.number("training.compensation_overlap", config.match.compensation_overlap));
  read_scenes(file, config.scenes);

  config.validation.detect_size =
      static_cast<int>(file.integer("validation.detect_size", config.validation.detect_size));
  config.validation.score_threshold =
      static_cast<float>(file.number("validation.score_threshold", config.validation.score_threshold));
  config.validation.iou_threshold =
      static_cast<float>(file.number("validation.iou_threshold", config.validation.iou_threshold));

  check(config.batch_size >= 1, "training.batch_size must be at least 1");
  check(!config.picture_sizes.empty(), "training.picture_sizes must hold at least one size");
  for (const int size : config.picture_sizes)
    check(size >= 64 && size <= 2048, "training.picture_sizes must be from 64 to 2048");
  check(config.learning_rate > 0, "training.learning_rate must be above 0");
  check(config.longer_side >= 32 && config.validation.detect_size >= 32,
        "data.longer_side and validation.detect_size must be at least 32");
  check(config.frame_step >= 1, "data.frame_step must be at least 1");
  check(config.scenes.most_heads >= 1 && config.scenes.smallest_face >= 4,
        "scenes.most_heads must be at least 1 and scenes.smallest_face at least 4");
  return config;
}

}  // namespace reenact::training
