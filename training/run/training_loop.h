// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <opencv2/core.hpp>
#include <string>

#include "reenact/model_file.h"
#include "training/run/checkpoint.h"
#include "training/run/run_config.h"
#include "training/run/training_options.h"

namespace reenact::training {

/// One network that learns from labelled samples, for SupervisedRun.
class SupervisedTask {
 public:
  virtual ~SupervisedTask() = default;
  virtual std::int64_t samples_per_step() const = 0;
  /// One update; `step` counts from 0. The same step must draw the same samples in a resumed run.
  virtual std::map<std::string, double> step(std::int64_t step) = 0;
  /// Figures of the network that would be shipped, on data not trained on.
  virtual std::map<std::string, double> validate() = 0;
  /// The figure of validate() that decides which weights are the best; more is better.
  virtual std::string deciding_metric() const = 0;
  virtual cv::Mat sheet() = 0;
  virtual void put(Checkpoint& checkpoint) = 0;
  virtual void get(const Checkpoint& checkpoint) = 0;
  virtual ModelKind kind() const = 0;
  virtual nlohmann::json network_config() const = 0;
  /// What was trained on: sources, licences, counts.
  virtual nlohmann::json data_description() const = 0;
  virtual void write(const std::filesystem::path& path, const ModelInfo& info) = 0;
};

/// Trains from the first step, or from the newest checkpoint, to the last step or to SIGINT or SIGTERM:
/// progress line, TensorBoard events, contact sheets (run_dir/sheet.png), checkpoints, and the model file
/// whenever its deciding metric is the best so far.
void run_supervised(SupervisedTask& task, const TrainingOptions& options, const RunConfig& file,
                    const RunSchedule& schedule, const std::string& command);

}  // namespace reenact::training
