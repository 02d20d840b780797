// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <CLI/CLI.hpp>

namespace reenact::training {

/// Each adds one subcommand whose callback does the work and throws Error when it cannot.
CLI::App* add_detector_command(CLI::App& parent);     // training/detector/detector_command.cc
CLI::App* add_segmenter_command(CLI::App& parent);    // training/segmenter/segmenter_command.cc
CLI::App* add_recogniser_command(CLI::App& parent);   // training/recogniser/recogniser_command.cc
CLI::App* add_landmarks_command(CLI::App& parent);    // training/landmarks/landmarks_command.cc
CLI::App* add_reenactor_command(CLI::App& parent);    // training/reenactor/reenactor_command.cc
CLI::App* add_import_command(CLI::App& parent);       // training/import/import_command.cc
CLI::App* add_evaluate_command(CLI::App& parent);     // training/evaluate/evaluate_command.cc
CLI::App* add_x2face_command(CLI::App& parent);       // training/compared/warping_commands.cc
CLI::App* add_fabnet_command(CLI::App& parent);       // training/compared/warping_commands.cc
CLI::App* add_draw_command(CLI::App& parent);         // training/compared/draw_command.cc
CLI::App* add_describe_command(CLI::App& parent);     // training/compared/describe_command.cc
CLI::App* add_personalise_command(CLI::App& parent);  // training/personalise/personalise_command.cc

}  // namespace reenact::training
