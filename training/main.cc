// SPDX-License-Identifier: LGPL-2.1-or-later
#include <torch/torch.h>
#include <torch/version.h>

#include "offline/program.h"
#include "tools/commands.h"
#include "training/commands.h"
#include "training/run/freed_memory.h"

namespace {

using namespace reenact;

void add_commands(CLI::App& app) {
  training::add_reenactor_command(app);
  training::add_detector_command(app);
  training::add_segmenter_command(app);
  training::add_recogniser_command(app);
  training::add_landmarks_command(app);
  training::add_x2face_command(app);
  training::add_fabnet_command(app);
  training::add_personalise_command(app);
  training::add_draw_command(app);
  training::add_describe_command(app);
  training::add_import_command(app);
  training::add_evaluate_command(app);
  // The commands of the program `reenact` by their former names, for one version.
  tools::add_commands(app);
}

std::string describe(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  return torch_error ? std::string("LibTorch: ") + torch_error->what_without_backtrace() : "";
}

}  // namespace

int main(int argc, char** argv) {
  training::keep_freed_memory();
  return run_program({.name = "reenact-train",
                      .description = "Trains the networks of gst-reenact.",
                      .version = REENACT_VERSION " (LibTorch " TORCH_VERSION ")",
                      .add_commands = add_commands,
                      .describe = describe},
                     argc, argv);
}
