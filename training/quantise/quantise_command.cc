// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cpu/generator_calibration.h"
#include "reenact/error.h"
#include "reenact/identity.h"
#include "training/commands.h"
#include "training/commands/pose_track.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  fs::path model, output;
  std::vector<fs::path> identities, tracks;
  int poses = 32;
  int threads = 1;
};

/// `count` poses spread evenly over all tracks.
std::vector<std::vector<float>> read_poses(const std::vector<fs::path>& tracks, int count) {
  std::vector<std::vector<float>> all, chosen;
  for (const fs::path& path : tracks) {
    const PoseTrack track = load_pose_track(path);
    all.insert(all.end(), track.poses.begin(), track.poses.end());
  }
  const std::size_t wanted = std::min<std::size_t>(all.size(), count);
  for (std::size_t i = 0; i < wanted; ++i) chosen.push_back(all[i * all.size() / wanted]);
  return chosen;
}

void quantise(const Arguments& arguments) {
  const auto model =
      std::make_shared<const ModelFile>(find_model(arguments.model.string()), ModelKind::reenactor);
  std::vector<std::vector<float>> embeddings;
  std::shared_ptr<const Identity> personal;
  for (const fs::path& path : arguments.identities) {
    const auto identity = load_identity(find_model(path.string()));
    if (identity->personal_weights) personal = identity;
    embeddings.push_back(identity->embedding);
  }
  if (personal && embeddings.size() > 1) {
    throw Error(ErrorCode::invalid, "'" + personal->personal_weights->path().string() +
                                        "' has weights of its own, so it is calibrated alone, but " +
                                        std::to_string(embeddings.size()) + " identities were given");
  }
  const auto poses = read_poses(arguments.tracks, arguments.poses);
  const auto calibration = cpu::calibrate_generator(model, personal ? personal->personal_weights : nullptr,
                                                    embeddings, poses, arguments.threads);
  const ModelFile& written = personal ? *personal->personal_weights : *model;
  const fs::path output = arguments.output.empty() ? written.path() : arguments.output;
  cpu::write_calibrated(output, written, calibration);
  if (calibration.pictures == 0) {
    spdlog::warn("this CPU has no int8 arithmetic: the ranges are written, their PSNR is unknown");
  } else {
    std::printf("%s: %d pictures, PSNR %.2f dB, worst %.2f dB\n", output.c_str(), calibration.pictures,
                calibration.psnr, calibration.worst_psnr);
  }
}

}  // namespace

CLI::App* add_quantise_command(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "quantise", "Calibrate a reenactor, or an identity with weights of its own, for int8 on CPUs");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("model", arguments->model, "The reenactor")->required();
  command
      ->add_option("--identity", arguments->identities,
                   "Identity files to draw; one with weights of its own gets the ranges itself")
      ->required();
  command->add_option("--poses", arguments->tracks, "Pose tracks to draw")->required();
  command->add_option("--count", arguments->poses, "Poses drawn for each identity")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("-o,--output", arguments->output, "Written file; default: the calibrated file itself");
  command->add_option("--threads", arguments->threads, "Threads")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->callback([arguments] { quantise(*arguments); });
  return command;
}

}  // namespace reenact::training
