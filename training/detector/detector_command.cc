// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>

#include "reenact/engine.h"
#include "reenact/error.h"
#include "reenact/face_finder.h"
#include "training/commands.h"
#include "training/detector/detector_trainer.h"
#include "training/run/training_command.h"

namespace reenact::training {
namespace {

void train(const TrainingOptions& options) {
  if (options.output.empty() || options.run_dir.empty())
    throw Error(ErrorCode::invalid, "--output and --run-dir are wanted when a detector is trained");
  train_network<DetectorTrainer>(options, read_detector_config, "detector");
}

/// Prints one line of JSON, and says in the log what matters most of it.
void evaluate(const TrainingOptions& options, const std::filesystem::path& model) {
  const RunConfig file(options.config, options.overrides);
  const auto config = read_detector_config(file);
  if (config.data.folder.empty())
    throw Error(ErrorCode::invalid, "data.folder: no folder with labelled data was given");
  EngineOptions engine;
  engine.threads = options.threads;
  engine.device = options.device;
  const auto detector = load_detector(model, engine);
  const auto search = [&](const cv::Mat& rgb, float score_threshold, float iou_threshold) {
    return detector->detect(FaceFinder::reduced(rgb, config.validation.detect_size), score_threshold,
                            iou_threshold);
  };
  auto report = evaluate_detector(search, config.data.folder, config.data.face_free_held_out,
                                  config.validation, config.data.only_shippable);
  report["model"] = model.string();
  report["engine"] = detector->active_engine();
  std::puts(report.dump().c_str());
  for (const auto& at : report["thresholds"])
    spdlog::info(
        "above {}: the face found in {:.1f} % of {} whole frames, false alarms in {} of {} pictures without a face",
        at["score_threshold"].get<double>(), 100 * at["whole_frames"]["found"].get<double>(),
        at["whole_frames"]["frames"].get<int>(), at["face_free"]["with_false_alarm"].get<int>(),
        at["face_free"]["pictures"].get<int>());
}

}  // namespace

CLI::App* add_detector_command(CLI::App& parent) {
  auto* command = parent.add_subcommand("detector", "Trains the face detector (S3FD), or evaluates one");
  auto options = std::make_shared<TrainingOptions>();
  auto model = std::make_shared<std::filesystem::path>();
  add_training_options(*command, *options);
  for (const char* name : {"--output", "--run-dir"}) command->get_option(name)->required(false);
  command
      ->add_option("--evaluate", *model,
                   "Train nothing: print one line of JSON about this detector on the data's val split")
      ->option_text("MODEL")
      ->check(CLI::ExistingFile);
  command->callback([options, model] {
    apply_training_options(*options);
    if (model->empty())
      train(*options);
    else
      evaluate(*options, *model);
  });
  return command;
}

}  // namespace reenact::training
