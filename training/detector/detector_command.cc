// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdio>
#include <memory>

#include "reenact/error.h"
#include "torch/networks/load_weights.h"
#include "training/commands.h"
#include "training/detector/detector_trainer.h"
#include "training/training_options.h"

namespace reenact::training {
namespace {

void train(const TrainingOptions& options) {
  if (options.output.empty() || options.run_dir.empty())
    throw Error(ErrorCode::invalid, "--output and --run-dir are wanted when a detector is trained");
  const RunConfig file(options.config, options.overrides);
  auto config = read_detector_config(file);
  const auto schedule = read_run_schedule(file, options, {.steps = 4000});
  file.refuse_unknown_keys();
  if (config.data.empty())
    throw Error(ErrorCode::invalid, "data.folder: no folder with training data was given");
  config.steps = schedule.steps;
  DetectorTrainer trainer(config, options.seed);
  run_supervised(trainer, options, file, schedule, "reenact-train detector");
}

/// Prints one line of JSON.
void evaluate(const TrainingOptions& options, const std::filesystem::path& model) {
  const RunConfig file(options.config, options.overrides);
  const auto config = read_detector_config(file);
  if (config.data.empty())
    throw Error(ErrorCode::invalid, "data.folder: no folder with labelled data was given");
  const ModelFile model_file(model, ModelKind::detector);
  DetectionSettings settings{model_file.info().config.get<DetectorConfig>(), config.detect_size,
                             config.score_threshold, config.iou_threshold, 0.5f};
  S3fd network(settings.network.width);
  load_weights(*network, model_file, "s3fd.");
  auto report = evaluate_detector(network, config.data, config.face_free_held_out, settings);
  report["model"] = model.string();
  std::puts(report.dump().c_str());
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
