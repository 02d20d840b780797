// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/supervised_run.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <limits>

#include "offline/contact_sheet.h"
#include "offline/stop_signal.h"
#include "reenact/error.h"
#include "training/run/checkpoint_folder.h"
#include "training/run/event_writer.h"
#include "training/run/progress.h"
#include "training/run/random_state.h"

namespace reenact::training {
namespace {

using Figures = std::map<std::string, double>;

class SupervisedRun {
 public:
  SupervisedRun(SupervisedTask& task, const TrainingOptions& options, const RunConfig& file,
                const RunSchedule& schedule, const std::string& command)
      : task_(task),
        options_(options),
        file_(file),
        schedule_(schedule),
        command_(command),
        folder_(options.run_dir / "checkpoints", schedule.keep_checkpoints) {}

  void run() {
    std::int64_t step = restore();
    StopSignal stop;
    EventWriter events(options_.run_dir / "events");
    Progress progress(schedule_.steps, step, stdout);
    const auto due = [&](std::int64_t every) {
      return every > 0 && (step % every == 0 || step == schedule_.steps);
    };
    std::int64_t saved = step;
    while (step < schedule_.steps && !stop.requested()) {
      const auto losses = task_.step(step);
      for (const auto& [name, value] : losses)
        if (!std::isfinite(value))
          throw Error(ErrorCode::invalid,
                      "step " + std::to_string(step) + ": loss \"" + name + "\" is not finite");
      ++step;
      progress.update(step, task_.samples_per_step(), losses);
      if (step % 20 == 0)
        for (const auto& [name, value] : losses) events.scalar("loss/" + name, step, value);
      if (due(schedule_.validate_every)) validate(events, step);
      if (due(schedule_.sheet_every)) draw_sheet(events, step);
      if (due(schedule_.checkpoint_every)) {
        save(step);
        saved = step;
      }
    }
    if (saved != step) save(step);
  }

 private:
  std::int64_t restore() {
    if (!options_.resume) return 0;
    const auto latest = folder_.latest();
    if (!latest) return 0;
    const auto checkpoint = Checkpoint::load(*latest);
    task_.get(checkpoint);
    get_random_state(checkpoint);
    best_ = std::stod(checkpoint.text("best"));
    const auto step = std::stoll(checkpoint.text("step"));
    spdlog::info("resumed from {} at step {}", latest->string(), step);
    return step;
  }

  void save(std::int64_t step) {
    Checkpoint checkpoint;
    task_.put(checkpoint);
    put_random_state(checkpoint);
    checkpoint.put_text("step", std::to_string(step));
    checkpoint.put_text("best", fmt::format("{:.17g}", best_));
    try {
      folder_.save(checkpoint, step, info(step));
    } catch (const Error& error) {
      spdlog::error("{}", error.what());  // the run goes on: the next checkpoint may find room again
    }
  }

  void validate(EventWriter& events, std::int64_t step) {
    figures_ = task_.validate();
    std::string line;
    for (const auto& [name, value] : figures_) {
      events.scalar("validation/" + name, step, value);
      line += fmt::format(" {} {:.4f}", name, value);
    }
    const double deciding = figures_.at(task_.deciding_metric());
    if (deciding > best_) {
      best_ = deciding;
      task_.write(options_.output, info(step));
      line += "; the best so far, written to " + options_.output.string();
    }
    spdlog::info("step {}:{}", step, line);
    events.flush();
  }

  void draw_sheet(EventWriter& events, std::int64_t step) {
    const auto pictures = task_.sheet();
    write_png(options_.run_dir / "sheet.png", pictures);
    events.image("sheet", step, pictures);
    events.flush();
  }

  ModelInfo info(std::int64_t step) const {
    ModelInfo info;
    info.kind = task_.kind();
    info.config = task_.network_config();
    info.licence = "LGPL-2.1-or-later";
    info.provenance = {{"command", command_},
                       {"configuration", file_.to_toml()},
                       {"data", task_.data_description()},
                       {"step", step},
                       {"seed", options_.seed},
                       {"metrics", figures_}};
    return info;
  }

  SupervisedTask& task_;
  const TrainingOptions& options_;
  const RunConfig& file_;
  RunSchedule schedule_;
  std::string command_;
  CheckpointFolder folder_;
  Figures figures_;
  double best_ = -std::numeric_limits<double>::max();
};

}  // namespace

void run_supervised(SupervisedTask& task, const TrainingOptions& options, const RunConfig& file,
                    const RunSchedule& schedule, const std::string& command) {
  SupervisedRun(task, options, file, schedule, command).run();
}

}  // namespace reenact::training
