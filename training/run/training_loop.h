// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <string>

#include "reenact/model_file.h"
#include "training/run/checkpoint.h"
#include "training/run/process_group.h"
#include "training/run/run_config.h"
#include "training/run/training_options.h"

namespace reenact::training {

/// Losses of a step or figures of a validation, by name.
using Figures = std::map<std::string, double>;

/// One network, or several, that learn together: what run_training() drives.
///
/// Of several processes each has its own task. draw(), its update, start(), share() and restore_from() happen
/// in all of them; what validates, draws sheets and writes happens in the first one alone.
class TrainingTask {
 public:
  /// The update with a batch that has been drawn: returns the losses, which it has refused unless finite.
  using Update = std::function<Figures()>;

  virtual ~TrainingTask() = default;
  /// Of all processes together.
  virtual std::int64_t samples_per_step() const = 0;
  /// Draws the batch of `step`, which counts from 0 or from where a resumed run goes on; one step after the
  /// other, the same samples in a resumed run. With draws_ahead() it works in a second thread beside the
  /// update of the step before, else in the thread of the updates.
  virtual Update draw(std::int64_t step) = 0;
  virtual bool draws_ahead() const = 0;

  /// Whatever comes before the first step of a run that is not resumed.
  virtual void start() {}
  /// Gives all processes of the group the networks of the first one, after start() or restore_from().
  virtual void share() {}

  /// Figures of the network that would be shipped, on data not trained on.
  virtual Figures validate() = 0;
  /// The figure of validate() that decides which weights are the best; more is better. Empty: the last ones.
  virtual std::string deciding_metric() const { return {}; }
  virtual cv::Mat sheet() = 0;

  virtual void save_to(Checkpoint& checkpoint) = 0;
  virtual void restore_from(const Checkpoint& checkpoint) = 0;
  virtual ModelKind kind() const = 0;
  virtual JsonObject network_config() const = 0;
  /// What was trained on: sources, licences, counts. Null: the provenance says nothing of it.
  virtual nlohmann::json data_description() const { return nullptr; }
  virtual void write(const std::filesystem::path& path, const ModelInfo& info) = 0;
  /// Whatever comes after the last step and the model file.
  virtual void finish() {}
};

/// Trains from the first step, or from the newest checkpoint, to the last step or to SIGINT or SIGTERM:
/// progress line, TensorBoard events, contact sheets (run_dir/sheet.png), checkpoints, and the model file
/// whenever its deciding metric is the best so far, or at the end where there is none.
///
/// All processes of `group` call it with the same options; the first one writes. Throws Error as the task and
/// the group do, and invalid when the processes found different checkpoints.
void run_training(TrainingTask& task, const TrainingOptions& options, const RunConfig& file,
                  const RunSchedule& schedule, const std::string& command, ProcessGroup& group);
/// The same in this process alone.
void run_training(TrainingTask& task, const TrainingOptions& options, const RunConfig& file,
                  const RunSchedule& schedule, const std::string& command);

}  // namespace reenact::training
