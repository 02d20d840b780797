// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <CLI/CLI.hpp>

#include "reenact/engine.h"

namespace reenact::training {

/// Adds --device, --engine and --threads; `options` must outlive the parsing.
inline void add_engine_options(CLI::App& command, EngineOptions& options) {
  command.add_option("--device", options.device, "auto, cpu, cuda or cuda:N")->capture_default_str();
  command.add_option("--engine", options.engine, "auto, cpu (oneDNN) or torch (reference)")
      ->check(CLI::IsMember({"auto", "cpu", "torch"}))
      ->capture_default_str();
  command
      .add_option("--threads", options.threads, "Threads of the networks; 0: as many as the process may use")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

}  // namespace reenact::training
