// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "reenact/config.h"
#include "training/learning/content_loss.h"

namespace reenact::training {

/// Weights of the losses; 0 leaves one out. Losses of a network that is not there are left out as well.
struct FineTuningLosses {
  double adversarial = 1;
  double feature_matching = 10;
  double perceptual = 3e-2;
  double face_identity = 6e-3;
  double dice = 1;
  double l1 = 0;        ///< multi-scale mean absolute difference
  double gradient = 0;  ///< differences of neighbouring pixels
  /// The pose encoder shall see the same pose in the tuned head as in the untouched one, for poses of other
  /// people; neither paper nor released code has this.
  double motion = 0;
  bool dice_as_released = true;  ///< the target counts three times
  VggInput vgg_input = VggInput::as_released;
};

/// How a person's networks are fine-tuned. The defaults are the released code's; docs/paper-and-code.md says
/// where the paper differs.
struct FineTuningOptions {
  bool train_identity_embedding = true;       ///< the paper keeps it fixed
  bool pose_encoder_in_training_mode = true;  ///< batch statistics and dropout; false: the encoder as it is
  bool networks_in_training_mode = true;      ///< false: no power iteration, and the pose encoder as it is
  /// The paper's single update: the discriminator's gradients are taken before the generator moves. Both
  /// orders start from the same forward pass, so they agree.
  bool single_update = false;

  double generator_learning_rate = 5e-4;
  double discriminator_learning_rate = 8e-4;
  double embedding_learning_rate = 2e-2;        ///< while it is refined, a share of its root mean square
  torch::ScalarType precision = torch::kFloat;  ///< of the networks; weights and losses stay float32
  double weight_average = 0.972;                ///< decay of the running average, which is what gets written
  FineTuningLosses loss;
};

/// Defaults for a preset of the reenactor: `paper` as above; any other is tuned without
/// perceptual networks, on L1, gradients, dice, a discriminator where there is one, and motion, with the pose encoder as it is.
FineTuningOptions fine_tuning_preset(const std::string& preset);

}  // namespace reenact::training
