// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/personalise/personalise_config.h"
#include "reenact/config.h"
#include "training/learning/precision.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace reenact::training {
namespace {

void read_tuning(const RunConfig& file, FineTuningOptions& tuning) {
  file.read("tuning.train_identity_embedding", tuning.train_identity_embedding);
  file.read("tuning.pose_encoder_in_training_mode", tuning.pose_encoder_in_training_mode);
  file.read("tuning.networks_in_training_mode", tuning.networks_in_training_mode);
  file.read("tuning.single_update", tuning.single_update);
  file.read("tuning.generator_learning_rate", tuning.generator_learning_rate, 0);
  file.read("tuning.discriminator_learning_rate", tuning.discriminator_learning_rate, 0);
  file.read("tuning.embedding_learning_rate", tuning.embedding_learning_rate, 0);
  read_precision(file, tuning.precision);
  file.read("tuning.weight_average", tuning.weight_average, 0);
  file.read("loss.adversarial", tuning.loss.adversarial, 0);
  file.read("loss.feature_matching", tuning.loss.feature_matching, 0);
  file.read("loss.perceptual", tuning.loss.perceptual, 0);
  file.read("loss.face_identity", tuning.loss.face_identity, 0);
  file.read("loss.dice", tuning.loss.dice, 0);
  file.read("loss.l1", tuning.loss.l1, 0);
  file.read("loss.gradient", tuning.loss.gradient, 0);
  file.read("loss.motion", tuning.loss.motion, 0);
  file.read("loss.dice_as_released", tuning.loss.dice_as_released);
  file.read("loss.vgg_input", tuning.loss.vgg_input, vgg_input_names);
}

void read_schedule(const RunConfig& file, PersonaliseSchedule& run) {
  file.read("run.steps", run.steps, 0);
  file.read("run.embedding_steps", run.embedding_steps, 0);
  file.read("run.batch_size", run.batch_size, 0);
  file.read("run.validate_every", run.validate_every, 1);
  file.read("run.keep_best", run.keep_best);
  file.read("run.motion_batch", run.motion_batch, 1);
  file.read("run.motion_share", run.motion_share);
}

}  // namespace

PersonaliseConfig read_personalise_config(const RunConfig& file, const std::string& preset,
                                          torch::ScalarType precision) {
  PersonaliseConfig config;
  config.tuning = fine_tuning_preset(preset);
  config.tuning.precision = precision;
  if (preset != "paper") {
    config.run.batch_size = 4;
    config.run.embedding_steps = default_embedding_steps;
  }
  if (preset == "live") {  // somebody waits: docs/personalising.md has the minutes
    config.run.batch_size = 2;
    config.run.validate_every = 30;
  }
  read_tuning(file, config.tuning);
  read_augmentation(file, config.augmentation);
  read_schedule(file, config.run);
  return config;
}

std::int64_t iterations_for(std::size_t pictures, const std::string& preset) {
  constexpr double many = 30;
  const auto [least, most] = preset == "live" ? std::pair(60.0, 100.0) : std::pair(125.0, 230.0);
  const double share = std::clamp((static_cast<double>(pictures) - 1) / (many - 1), 0.0, 1.0);
  return std::llround(least + (most - least) * share);
}

}  // namespace reenact::training
