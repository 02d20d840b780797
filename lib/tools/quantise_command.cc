// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "offline/command_line_options.h"
#include "offline/picture_source.h"
#include "reenact/engine.h"
#include "reenact/error.h"
#include "reenact/face_cropper.h"
#include "reenact/identity.h"
#include "reenact/model_file.h"
#include "reenact/quantise.h"
#include "tools/commands.h"
#include "tools/pose_source.h"

namespace reenact::tools {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  fs::path model, output;
  std::vector<fs::path> identities, drivers, check_drivers, pictures;
  FaceCropperOptions cropper;
  int poses = 64;
  int threads = 1;
};

/// At most `arguments.poses` poses, spread evenly over all drivers.
std::vector<std::vector<float>> read_poses(PoseSources& sources, const std::vector<fs::path>& drivers,
                                           const Arguments& arguments) {
  std::vector<std::vector<float>> all, chosen;
  for (const fs::path& driver : drivers) {
    const auto source = sources.open(driver);
    const std::size_t before = all.size();
    while (const auto frame = source->next()) {
      if (!frame->held) all.push_back(frame->pose);
    }
    if (all.size() == before) {
      throw Error(ErrorCode::invalid,
                  "found no face in '" + driver.string() + "', wanted at least one picture with a face");
    }
  }
  const std::size_t wanted = std::min<std::size_t>(all.size(), arguments.poses);
  for (std::size_t i = 0; i < wanted; ++i) chosen.push_back(all[i * all.size() / wanted]);
  return chosen;
}

void quantise_detector(const Arguments& arguments) {
  const auto model =
      std::make_shared<const ModelFile>(find_model(arguments.model.string()), ModelKind::detector);
  std::vector<cv::Mat> pictures;
  SpreadReader reader;
  for (const fs::path& path : arguments.pictures) {
    for (const cv::Mat& picture : reader.read(path, arguments.poses)) {
      if (picture.empty()) continue;
      // As the cropper shows them to the detector.
      pictures.push_back(FaceFinder::reduced(picture, arguments.cropper.finder.detect_size));
    }
  }
  reader.require_one();
  const fs::path output = arguments.output.empty() ? model->path() : arguments.output;
  write_ranges(output, *model, calibrate_detector(model, pictures, arguments.threads));
  std::printf("%s: %zu pictures\n", output.c_str(), pictures.size());
}

void quantise(const Arguments& arguments) {
  if (!arguments.pictures.empty()) {
    quantise_detector(arguments);
    return;
  }
  if (arguments.identities.empty() || arguments.drivers.empty()) {
    throw Error(ErrorCode::invalid,
                "a reenactor wants --identity and --poses, a detector --pictures, but neither was given");
  }
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
  EngineOptions engine;
  engine.threads = arguments.threads;
  PoseSources sources(model->path(), arguments.cropper, engine);
  const auto poses = read_poses(sources, arguments.drivers, arguments);
  const auto check_poses = read_poses(sources, arguments.check_drivers, arguments);
  const auto calibration = calibrate_generator(model, personal ? personal->personal_weights : nullptr,
                                               embeddings, poses, arguments.threads, check_poses);
  const ModelFile& written = personal ? *personal->personal_weights : *model;
  const fs::path output = arguments.output.empty() ? written.path() : arguments.output;
  write_ranges(output, written, calibration);
  if (calibration.pictures == 0) {
    spdlog::warn("this CPU has no int8 arithmetic: the ranges are written, their PSNR is unknown");
  } else {
    std::printf("%s: %d pictures%s, PSNR %.2f dB, worst %.2f dB\n", output.c_str(), calibration.pictures,
                calibration.held_out ? " of --check" : "", calibration.psnr, calibration.worst_psnr);
  }
}

}  // namespace

CLI::App* add_quantise_command(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "quantise",
      "Calibrate a reenactor, an identity with weights of its own, or a detector for int8 on CPUs");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("model", arguments->model, "The reenactor or detector")->required();
  command
      ->add_option("--identity", arguments->identities,
                   "Identity files to draw; one with weights of its own gets the ranges itself")
      ->option_text("FILE...");
  command
      ->add_option("--poses", arguments->drivers,
                   "Whose poses give the ranges: pictures, folders of pictures, clips or pose tracks")
      ->option_text("PATH...");
  command
      ->add_option("--check", arguments->check_drivers,
                   "Whose poses int8 is compared with fp32 on; default: those of --poses")
      ->option_text("PATH...");
  command
      ->add_option("--pictures", arguments->pictures,
                   "For a detector: pictures, folders of pictures or clips with faces and without")
      ->option_text("PATH...");
  command
      ->add_option("--count", arguments->poses,
                   "Most poses drawn of each of the two for each identity, or pictures taken of each path")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("-o,--output", arguments->output, "Written file; default: the calibrated file itself");
  command->add_option("--threads", arguments->threads, "Threads")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  add_cropper_options(*command, arguments->cropper);
  command->callback([arguments] { quantise(*arguments); });
  return command;
}

}  // namespace reenact::tools
