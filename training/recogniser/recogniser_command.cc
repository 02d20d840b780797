// SPDX-License-Identifier: LGPL-2.1-or-later
#include <memory>

#include "reenact/error.h"
#include "torch/device.h"
#include "training/commands.h"
#include "training/recogniser/recogniser_trainer.h"
#include "training/run/training_options.h"

namespace reenact::training {

CLI::App* add_recogniser_command(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "recogniser", "Trains the face recogniser that `evaluate identity` measures with (ArcFace)");
  auto options = std::make_shared<TrainingOptions>();
  add_training_options(*command, *options);
  command->callback([options] {
    apply_training_options(*options);
    const RunConfig file(options->config, options->overrides);
    auto config = read_recogniser_config(file);
    if (options->steps) config.run.steps = *options->steps;
    file.refuse_unknown_keys();
    if (config.data.folder.empty())
      throw Error(ErrorCode::invalid, "data.folder: no folder with training data was given");
    RecogniserTrainer trainer(config, options->seed, device_from(options->device));
    run_training(trainer, *options, file, config.run, "reenact-train recogniser");
  });
  return command;
}

}  // namespace reenact::training
