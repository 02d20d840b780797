// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <CLI/CLI.hpp>

namespace reenact::tools {

/// Each adds one subcommand whose callback does the work and throws Error when it cannot.
CLI::App* add_identity_command(CLI::App& parent);  // identity_command.cc
CLI::App* add_blend_command(CLI::App& parent);     // blend_command.cc
CLI::App* add_render_command(CLI::App& parent);    // render_command.cc
CLI::App* add_inspect_command(CLI::App& parent);   // inspect_command.cc
CLI::App* add_quantise_command(CLI::App& parent);  // quantise_command.cc
CLI::App* add_prepare_command(CLI::App& parent);   // prepare/prepare_command.cc

/// All of them.
void add_commands(CLI::App& parent);

}  // namespace reenact::tools
