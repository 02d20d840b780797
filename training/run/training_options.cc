// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/training_options.h"

#include <torch/torch.h>

#include <opencv2/core/utility.hpp>

#include "offline/command_line_options.h"
#include "training/run/random_state.h"

namespace reenact::training {

void add_common_training_options(CLI::App& command, TrainingOptions& options) {
  command
      .add_option("--config", options.config, "Configuration of the run (TOML); built-in defaults without it")
      ->option_text("FILE.toml");
  command.add_option("--set", options.overrides, "Override one value of the configuration; may be repeated")
      ->option_text("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_option("--seed", options.seed, "Seed of all random numbers")->capture_default_str();
  add_device_option(command, options.device);
  command
      .add_option("--threads", options.threads, "Threads of the networks; 0: as many as the process may use")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

void add_training_options(CLI::App& command, TrainingOptions& options) {
  add_common_training_options(command, options);
  command
      .add_option("--output", options.output,
                  "Model file, written at the end and whenever it is the best so far")
      ->option_text("FILE")
      ->required();
  command
      .add_option("--run-dir", options.run_dir,
                  "Folder for checkpoints, TensorBoard events and contact sheets")
      ->option_text("DIR")
      ->required();
  command.add_flag("--resume", options.resume,
                   "Go on from the newest checkpoint in the run folder, if there is one");
  command.add_option("--steps", options.steps, "Total number of steps, instead of the configuration's")
      ->check(CLI::PositiveNumber);
}

void apply_training_options(const TrainingOptions& options) {
  if (options.threads > 0) {
    at::set_num_threads(options.threads);
    cv::setNumThreads(options.threads);
  }
  seed_everything(options.seed);
}

}  // namespace reenact::training
