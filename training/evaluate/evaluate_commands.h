// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <CLI/CLI.hpp>

#include "reenact/engine.h"

namespace reenact::training {

/// Lets LibTorch's networks take as many threads as the options ask for; 0 leaves them as they are.
void use_threads(const EngineOptions& engine);

/// Each adds one subcommand of `reenact-train evaluate`: a figure or table of the paper.
void add_figure3_command(CLI::App& parent);      // figure3_command.cc
void add_retrieval_command(CLI::App& parent);    // retrieval_command.cc
void add_keypoints_command(CLI::App& parent);    // keypoints_command.cc
void add_interpolate_command(CLI::App& parent);  // interpolate_command.cc
void add_smoothness_command(CLI::App& parent);   // smoothness_command.cc

}  // namespace reenact::training
