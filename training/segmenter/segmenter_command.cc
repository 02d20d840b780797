// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/commands.h"
#include "training/run/training_command.h"
#include "training/segmenter/segmenter_trainer.h"

namespace reenact::training {

CLI::App* add_segmenter_command(CLI::App& parent) {
  return add_training_command<SegmenterTrainer>(
      parent, "segmenter", "Trains the person mask on head crops (U-Net)", read_segmenter_config);
}

}  // namespace reenact::training
