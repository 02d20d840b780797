// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <CLI/CLI.hpp>

namespace reenact::training {

/// Each adds one subcommand whose callback does the work and throws Error when it cannot.
CLI::App* add_detector_command(CLI::App& parent);     // training/detector/detector_command.cc
CLI::App* add_segmenter_command(CLI::App& parent);    // training/segmenter/segmenter_command.cc
CLI::App* add_meta_command(CLI::App& parent);         // training/meta/meta_command.cc
CLI::App* add_identity_command(CLI::App& parent);     // training/commands/identity_command.cc
CLI::App* add_render_command(CLI::App& parent);       // training/commands/render_command.cc
CLI::App* add_inspect_command(CLI::App& parent);      // training/commands/inspect_command.cc
CLI::App* add_import_command(CLI::App& parent);       // training/import/import_command.cc
CLI::App* add_personalise_command(CLI::App& parent);  // training/personalise/personalise_command.cc
CLI::App* add_prepare_command(CLI::App& parent);      // training/prepare/prepare_command.cc
CLI::App* add_quantise_command(CLI::App& parent);     // training/quantise/quantise_command.cc

}  // namespace reenact::training
