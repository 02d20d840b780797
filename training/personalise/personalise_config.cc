// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/personalise/personalise_config.h"

#include <algorithm>
#include <cmath>

#include "reenact/error.h"

namespace reenact::training {
namespace {

void read_tuning(const RunConfig& file, FineTuningOptions& tuning) {
  const auto boolean = [&](const char* key, bool& value) { value = file.boolean(key, value); };
  const auto number = [&](const char* key, double& value) {
    value = file.number(key, value);
    if (value < 0)
      throw Error(ErrorCode::invalid,
                  std::string(key) + " is " + std::to_string(value) + ", wanted at least 0");
  };
  boolean("tuning.train_identity_embedding", tuning.train_identity_embedding);
  boolean("tuning.pose_encoder_in_training_mode", tuning.pose_encoder_in_training_mode);
  boolean("tuning.networks_in_training_mode", tuning.networks_in_training_mode);
  boolean("tuning.single_update", tuning.single_update);
  number("tuning.generator_learning_rate", tuning.generator_learning_rate);
  number("tuning.discriminator_learning_rate", tuning.discriminator_learning_rate);
  number("tuning.weight_average", tuning.weight_average);
  number("loss.adversarial", tuning.adversarial_weight);
  number("loss.feature_matching", tuning.feature_matching_weight);
  number("loss.perceptual", tuning.perceptual_weight);
  number("loss.face_identity", tuning.face_identity_weight);
  number("loss.dice", tuning.dice_weight);
  number("loss.l1", tuning.l1_weight);
  number("loss.gradient", tuning.gradient_weight);
  number("loss.motion", tuning.motion_weight);
  boolean("loss.dice_as_released", tuning.dice_as_released);
  const std::string released = "released";
  tuning.vgg_input = vgg_input_from(file.text("loss.vgg_input", released));
}

void read_augmentation(const RunConfig& file, AugmentationConfig& augmentation) {
  augmentation.pixelwise = file.boolean("augmentation.pixelwise", augmentation.pixelwise);
  augmentation.affine_scale = file.number("augmentation.affine_scale", augmentation.affine_scale);
  augmentation.background_swap = file.number("augmentation.background_swap", augmentation.background_swap);
  augmentation.shift = file.number("augmentation.shift", augmentation.shift);
  augmentation.zoom = file.number("augmentation.zoom", augmentation.zoom);
  augmentation.rotation = file.number("augmentation.rotation", augmentation.rotation);
  augmentation.flip = file.boolean("augmentation.flip", augmentation.flip);
}

}  // namespace

PersonaliseConfig read_personalise_config(const RunConfig& file, const std::string& preset) {
  PersonaliseConfig config;
  config.tuning = fine_tuning_preset(preset);
  if (preset != "paper") config.batch_size = 4;
  read_tuning(file, config.tuning);
  read_augmentation(file, config.augmentation);
  config.iterations = file.integer("run.iterations", config.iterations);
  config.batch_size = static_cast<int>(file.integer("run.batch_size", config.batch_size));
  config.validate_every = file.integer("run.validate_every", config.validate_every);
  config.keep_best = file.boolean("run.keep_best", config.keep_best);
  config.motion_batch = static_cast<int>(file.integer("run.motion_batch", config.motion_batch));
  config.motion_share = file.number("run.motion_share", config.motion_share);
  if (config.iterations < 0 || config.batch_size < 0 || config.validate_every < 1 || config.motion_batch < 1)
    throw Error(ErrorCode::invalid,
                "run.iterations and run.batch_size must be at least 0, run.validate_every and "
                "run.motion_batch at least 1");
  return config;
}

std::int64_t iterations_for(std::size_t pictures) {
  constexpr double least = 125, most = 230, many = 30;
  const double share = std::clamp((static_cast<double>(pictures) - 1) / (many - 1), 0.0, 1.0);
  return std::llround(least + (most - least) * share);
}

}  // namespace reenact::training
