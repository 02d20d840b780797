// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/training_loop.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <limits>
#include <memory>

#include "offline/contact_sheet.h"
#include "offline/stop_signal.h"
#include "reenact/error.h"
#include "training/run/checkpoint_folder.h"
#include "training/run/event_writer.h"
#include "training/run/prefetcher.h"
#include "training/run/progress.h"
#include "training/run/random_state.h"

namespace reenact::training {
namespace {

class TrainingLoop {
 public:
  TrainingLoop(TrainingTask& task, const TrainingOptions& options, const RunConfig& file,
               const RunSchedule& schedule, const std::string& command, ProcessGroup& group)
      : task_(task),
        options_(options),
        file_(file),
        schedule_(schedule),
        command_(command),
        group_(group),
        folder_(options.run_dir / "checkpoints", schedule.keep_checkpoints) {}

  void run() {
    group_.wait_for([this] { restore(); });
    agree_on_step();
    task_.share();
    // Dropout and the like differ from one process to the next; a run resumed by one process stays bit by bit.
    if (!group_.is_main()) seed_everything(options_.seed + 1'000'003 * group_.rank() + step_);

    StopSignal stop;
    if (group_.is_main()) {
      events_ = std::make_unique<EventWriter>(options_.run_dir / "events");
      progress_ = std::make_unique<Progress>(schedule_.steps, step_, stdout);
    }
    std::int64_t saved = step_;
    const auto started = Clock::now();
    while (step_ < schedule_.steps && !group_.any(stop.requested())) {
      const auto losses = next_update()();
      ++step_;
      report(losses);
      if (!due(schedule_.validate_every) && !due(schedule_.sheet_every) && !due(schedule_.checkpoint_every))
        continue;
      group_.on_main([&] {
        if (due(schedule_.validate_every)) validate();
        if (due(schedule_.sheet_every)) draw_sheet();
        if (due(schedule_.checkpoint_every)) save();
      });
      if (due(schedule_.checkpoint_every)) saved = step_;
    }
    const Seconds trained = Clock::now() - started;
    spdlog::info("{:.1f} % of {:.0f} s were spent waiting for batches", 100 * waited_ / trained,
                 trained.count());
    group_.on_main([&] {
      if (saved != step_) save();
      if (task_.deciding_metric().empty()) {
        task_.write(options_.output, info());
        spdlog::info("wrote {}", options_.output.string());
      }
      task_.finish();
    });
  }

 private:
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<double>;

  /// Whether the step just done is one of those after which something happens.
  bool due(std::int64_t every) const { return every > 0 && (step_ % every == 0 || step_ == schedule_.steps); }

  /// Every process does the same from the same files.
  void restore() {
    const auto latest = options_.resume ? folder_.latest() : std::nullopt;
    if (!latest) return task_.start();
    const auto checkpoint = Checkpoint::load(*latest);
    task_.restore_from(checkpoint);
    get_random_state(checkpoint);
    if (!task_.deciding_metric().empty()) best_ = std::stod(checkpoint.text("best"));
    step_ = std::stoll(checkpoint.text("step"));
    spdlog::info("resumed from {} at step {}", latest->string(), step_);
  }

  void agree_on_step() {
    Figures steps = {{"step", static_cast<double>(step_)}};
    group_.average(steps);
    if (group_.any(steps["step"] != static_cast<double>(step_)))
      throw Error(ErrorCode::invalid, "the processes found different checkpoints in '" +
                                          options_.run_dir.string() +
                                          "', wanted a folder that all of them share");
  }

  /// The update of this step; the batch of the next one is begun.
  TrainingTask::Update next_update() {
    const auto draw = [this](std::int64_t step) { return [this, step] { return task_.draw(step); }; };
    const auto asked = Clock::now();
    auto update = prefetcher_.take(draw(step_));
    waited_ += Clock::now() - asked;
    if (task_.draws_ahead() && step_ + 1 < schedule_.steps) prefetcher_.begin(draw(step_ + 1));
    return update;
  }

  void report(const Figures& losses) {
    if (!group_.is_main()) return;
    progress_->update(step_, task_.samples_per_step(), losses);
    if (step_ % 20 == 0)
      for (const auto& [name, value] : losses) events_->scalar("loss/" + name, step_, value);
  }

  void validate() {
    figures_ = task_.validate();
    std::string line;
    for (const auto& [name, value] : figures_) {
      events_->scalar("validation/" + name, step_, value);
      line += fmt::format(" {} {:.4f}", name, value);
    }
    if (const auto metric = task_.deciding_metric(); !metric.empty() && figures_.at(metric) > best_) {
      best_ = figures_.at(metric);
      task_.write(options_.output, info());
      line += "; the best so far, written to " + options_.output.string();
    }
    spdlog::info("step {}:{}", step_, line);
    events_->flush();
  }

  void draw_sheet() {
    const auto pictures = task_.sheet();
    write_png(options_.run_dir / "sheet.png", pictures);
    events_->image("sheet", step_, pictures);
    events_->flush();
  }

  void save() {
    Checkpoint checkpoint;
    task_.save_to(checkpoint);
    put_random_state(checkpoint);
    checkpoint.put_text("step", std::to_string(step_));
    if (!task_.deciding_metric().empty()) checkpoint.put_text("best", fmt::format("{:.17g}", best_));
    try {
      folder_.save(checkpoint, step_, info());
    } catch (const Error& error) {
      spdlog::error("{}", error.what());  // the run goes on: the next checkpoint may find room again
    }
  }

  ModelInfo info() const {
    ModelInfo info;
    info.kind = task_.kind();
    info.config = task_.network_config();
    info.licence = "LGPL-2.1-or-later";
    nlohmann::json provenance = {{"command", command_},
                                 {"configuration", file_.to_toml()},
                                 {"step", step_},
                                 {"seed", options_.seed},
                                 {"metrics", figures_}};
    if (auto data = task_.data_description(); !data.is_null()) provenance["data"] = std::move(data);
    info.provenance = provenance;
    return info;
  }

  TrainingTask& task_;
  const TrainingOptions& options_;
  const RunConfig& file_;
  RunSchedule schedule_;
  std::string command_;
  ProcessGroup& group_;
  CheckpointFolder folder_;
  std::unique_ptr<EventWriter> events_;  // of the first process alone, as is the next
  std::unique_ptr<Progress> progress_;
  std::int64_t step_ = 0;  // so many are done
  Seconds waited_{};
  Figures figures_;
  double best_ = -std::numeric_limits<double>::max();
  Prefetcher<TrainingTask::Update> prefetcher_;  // last: its thread uses the task
};

}  // namespace

void run_training(TrainingTask& task, const TrainingOptions& options, const RunConfig& file,
                  const RunSchedule& schedule, const std::string& command, ProcessGroup& group) {
  TrainingLoop(task, options, file, schedule, command, group).run();
}

void run_training(TrainingTask& task, const TrainingOptions& options, const RunConfig& file,
                  const RunSchedule& schedule, const std::string& command) {
  ProcessGroup alone;
  run_training(task, options, file, schedule, command, alone);
}

}  // namespace reenact::training
