// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace reenact::training {

/// The options that every training command takes.
struct TrainingOptions {
  std::filesystem::path config;        ///< --config: TOML file; empty: built-in defaults
  std::vector<std::string> overrides;  ///< --set key=value, in order
  /// --output: the model, written at the end and whenever it is the best so far.
  std::filesystem::path output;
  std::filesystem::path run_dir;  ///< --run-dir: checkpoints, TensorBoard events, contact sheets
  std::uint64_t seed = 0;         ///< --seed
  bool resume = false;            ///< --resume: go on from the newest checkpoint in run_dir if there is one
  std::optional<std::int64_t> steps;  ///< --steps: total number of steps, instead of the configuration's
  std::string device = "auto";        ///< --device, see device_from()
  /// --alone: one process, whatever a launcher's variables say.
  bool alone = false;
  int threads = 0;  ///< --threads: of the networks; 0: as many as the process may use
};

/// Adds --config, --set, --seed, --device and --threads; `options` must outlive the parsing.
void add_common_training_options(CLI::App& command, TrainingOptions& options);
/// Adds all of them.
void add_training_options(CLI::App& command, TrainingOptions& options);

/// Seeds every generator and sets LibTorch's and OpenCV's number of threads.
void apply_training_options(const TrainingOptions& options);

}  // namespace reenact::training
