// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "reenact/engine.h"
#include "reenact/face_cropper.h"

// Options that several commands take. What they fill must outlive the parsing.
namespace reenact {

/// Adds --device: auto, cpu, cuda or cuda:N.
void add_device_option(CLI::App& command, std::string& device);

/// Adds --device, --backend (also by its old name --engine), --precision and --threads.
void add_engine_options(CLI::App& command, EngineOptions& options);

/// Adds --already-cropped, --loader-crop, --detector, --detect-size, --score-threshold, --crop-scale.
void add_cropper_options(CLI::App& command, FaceCropperOptions& options);

/// Adds --detect-interval and --smoothing, for commands that follow a face through a clip.
void add_following_options(CLI::App& command, FaceCropperOptions& options);

}  // namespace reenact
