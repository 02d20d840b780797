// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "reenact/engine.h"
#include "training/evaluate/learned_heads.h"

namespace reenact::training {

/// What commands that compare systems are told.
struct ComparedSystemsArguments {
  std::filesystem::path systems, data, output;
  std::string landmarks = "landmarks.safetensors", driving_landmarks, point_detector;
  std::size_t people = 30, frames = 32;
  int steps = 600;
  std::uint64_t seed = 0;
  EngineOptions engine;
};
void add_compared_systems_options(CLI::App& command, ComparedSystemsArguments& arguments);

/// The systems and the people that they learn.
struct ComparedSystems {
  std::vector<ComparedPerson> people;
  std::vector<std::unique_ptr<LearnedHeads>> systems;
  std::vector<std::string> reasons;  ///< why figures of these people cannot be compared with the paper's
};
/// Learned people are kept below the output folder. Throws Error as reading and loading do.
ComparedSystems load_compared(const ComparedSystemsArguments& arguments, bool consecutive);

}  // namespace reenact::training
