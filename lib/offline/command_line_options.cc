// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offline/command_line_options.h"

#include <map>

namespace reenact {

void add_device_option(CLI::App& command, std::string& device) {
  command.add_option("--device", device, "auto, cpu, cuda or cuda:N")->capture_default_str();
}

void add_engine_options(CLI::App& command, EngineOptions& options) {
  add_device_option(command, options.device);
  command.add_option("--backend,--engine", options.backend, "auto, cpu (oneDNN) or torch (reference)")
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

void add_cropper_options(CLI::App& command, FaceCropperOptions& options) {
  command.add_flag("--already-cropped", options.already_cropped,
                   "The pictures are crops of a head in the paper's framing; look for no face");
  command.add_flag(
      "--loader-crop", options.loader_crop,
      "Then crop once more as the authors' data loader does, for models imported from their code");
  command.add_option("--detector", options.detector, "Detector model that finds the face")
      ->option_text("FILE")
      ->capture_default_str();
  command
      .add_option("--detect-size", options.finder.detect_size,
                  "Longer side in pixels of the copy on which faces are looked for; 0: the picture itself")
      ->check(CLI::Range(0, 8192))
      ->capture_default_str();
  command
      .add_option("--score-threshold", options.finder.score_threshold, "Least probability of a face, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      .add_option("--crop-scale", options.crop_scale, "Side of the crop over the longer side of the face box")
      ->check(CLI::Range(0.5, 10.0))
      ->capture_default_str();
}

void add_following_options(CLI::App& command, FaceCropperOptions& options) {
  command
      .add_option("--detect-interval", options.finder.detect_interval,
                  "Frames from one detection to the next while a face is followed; it is tracked in between")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command
      .add_option("--smoothing", options.finder.tracker.smoothing,
                  "How steady the crop is held: 0 as detected, 1 steadiest")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
}

}  // namespace reenact
