// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/commands.h"
#include "training/compared/warping_trainer.h"
#include "training/run/training_command.h"

namespace reenact::training {

CLI::App* add_x2face_command(CLI::App& parent) {
  return add_training_command<X2FaceTrainer>(
      parent, "x2face", "Trains X2Face, which draws by warping, on clips: to compare with",
      read_x2face_config);
}

CLI::App* add_fabnet_command(CLI::App& parent) {
  return add_training_command<FabNetTrainer>(
      parent, "fabnet", "Trains FAb-Net's pose encoder, which learns by warping, on clips: to compare with",
      read_fabnet_config);
}

}  // namespace reenact::training
