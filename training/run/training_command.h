// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <c10/core/DeviceGuard.h>

#include <memory>
#include <string>

#include "reenact/error.h"
#include "torch/device.h"
#include "training/run/run_config.h"
#include "training/run/training_loop.h"
#include "training/run/training_options.h"

namespace reenact::training {

/// Trains in this process alone what the configuration says that `read` takes out of a file; its data.folder
/// must be given. `name` is that of the subcommand. Throws Error.
template <typename Trainer, typename Config>
void train_network(const TrainingOptions& options, Config (*read)(const RunConfig& file),
                   const std::string& name) {
  const RunConfig file(options.config, options.overrides);
  auto config = read(file);
  if (options.steps) config.run.steps = *options.steps;
  file.refuse_unknown_keys();
  if (config.data.folder.empty())
    throw Error(ErrorCode::invalid, "data.folder: no folder with training data was given");
  const auto device = device_from(options.device);
  const c10::DeviceGuard current(device);  // random state is that of the current GPU
  Trainer trainer(config, options.seed, device);
  run_training(trainer, options, file, config.run, "reenact-train " + name);
}

/// Adds the subcommand that does so.
template <typename Trainer, typename Config>
CLI::App* add_training_command(CLI::App& parent, const std::string& name, const std::string& description,
                               Config (*read)(const RunConfig& file)) {
  auto* command = parent.add_subcommand(name, description);
  auto options = std::make_shared<TrainingOptions>();
  add_training_options(*command, *options);
  command->callback([options, read, name] {
    apply_training_options(*options);
    train_network<Trainer>(*options, read, name);
  });
  return command;
}

}  // namespace reenact::training
