// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/commands.h"
#include "training/recogniser/recogniser_trainer.h"
#include "training/run/training_command.h"

namespace reenact::training {

CLI::App* add_recogniser_command(CLI::App& parent) {
  return add_training_command<RecogniserTrainer>(
      parent, "recogniser", "Trains the face recogniser that `evaluate identity` measures with (ArcFace)",
      read_recogniser_config);
}

}  // namespace reenact::training
