// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <exception>
#include <functional>
#include <string>

namespace reenact {

/// A program of subcommands.
struct Program {
  std::string name, description;
  std::string version;                          ///< what --version prints behind the name
  std::function<void(CLI::App&)> add_commands;  ///< adds the subcommands; their callbacks do the work
  /// What to say of an exception; empty text or none: its what().
  std::function<std::string(const std::exception&)> describe;
};

/// Parses the command line, adds --version and --log-level, and runs the subcommand it names. Results go to
/// standard output, the log to standard error. Returns the exit status: 0, 1 with one sentence on standard
/// error when the command threw, 2 when the command line was wrong.
int run_program(const Program& program, int argc, char** argv);

}  // namespace reenact
