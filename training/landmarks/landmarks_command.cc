// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/commands.h"
#include "training/landmarks/landmarks_trainer.h"
#include "training/run/training_command.h"

namespace reenact::training {

CLI::App* add_landmarks_command(CLI::App& parent) {
  return add_training_command<LandmarksTrainer>(
      parent, "landmarks", "Trains the face mesh network that `evaluate follow` measures with (MobileNetV2)",
      read_landmarks_config);
}

}  // namespace reenact::training
