// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "reenact/engine.h"
#include "training/training_options.h"

namespace reenact::training {

/// Adds --device, --engine, --precision and --threads; `options` must outlive the parsing.
inline void add_engine_options(CLI::App& command, EngineOptions& options) {
  add_device_option(command, options.device);
  command.add_option("--engine", options.engine, "auto, cpu (oneDNN) or torch (reference)")
      ->check(CLI::IsMember({"auto", "cpu", "torch"}))
      ->capture_default_str();
  const std::map<std::string, Precision> precisions{{"auto", Precision::automatic},
                                                    {"fp32", Precision::fp32},
                                                    {"bf16", Precision::bf16},
                                                    {"fp16", Precision::fp16},
                                                    {"int8", Precision::int8}};
  command
      .add_option("--precision", options.precision,
                  "auto (the fastest that the device has and the file is made for), fp32, bf16, fp16 or int8")
      ->transform(CLI::CheckedTransformer(precisions, CLI::ignore_case).description(""))
      ->option_text("PRECISION=auto");
  command
      .add_option("--threads", options.threads, "Threads of the networks; 0: as many as the process may use")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

}  // namespace reenact::training
