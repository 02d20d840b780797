// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "reenact/config.h"
#include "training/learning/content_loss.h"

namespace reenact::training {

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
  double weight_average = 0.972;  ///< decay of the running average, which is what gets written

  // Weights of the losses; 0 leaves one out. Losses of a network that is not there are left out as well.
  double adversarial_weight = 1;
  double feature_matching_weight = 10;
  double perceptual_weight = 3e-2;
  double face_identity_weight = 6e-3;
  double dice_weight = 1;
  double l1_weight = 0;        ///< multi-scale mean absolute difference
  double gradient_weight = 0;  ///< differences of neighbouring pixels
  /// The pose encoder shall see the same pose in the tuned head as in the untouched one, for poses of other
  /// people; neither paper nor released code has this.
  double motion_weight = 0;
  bool dice_as_released = true;  ///< the target counts three times
  VggInput vgg_input = VggInput::as_released;
};

/// Defaults for a preset of the reenactor: `paper` as above; any other is tuned without discriminator and
/// perceptual networks, on L1, gradients and dice, with the pose encoder as it is.
FineTuningOptions fine_tuning_preset(const std::string& preset);

}  // namespace reenact::training
