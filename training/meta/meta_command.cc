// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/spdlog.h>

#include <limits>

#include "reenact/error.h"
#include "torch/networks/load_weights.h"
#include "training/commands.h"
#include "training/meta/meta_trainer.h"
#include "training/support/checkpoint_folder.h"
#include "training/support/contact_sheet.h"
#include "training/support/event_writer.h"
#include "training/support/progress.h"
#include "training/support/random_state.h"
#include "training/support/stop_signal.h"
#include "training/training_options.h"

namespace reenact::training {
namespace {

/// A run from its first step, or from its newest checkpoint, to its last step or a signal.
class MetaRun {
 public:
  explicit MetaRun(const TrainingOptions& options)
      : options_(options),
        file_(options.config, options.overrides),
        config_(read_meta_config(file_)),
        folder_(options.run_dir / "checkpoints", config_.keep_checkpoints),
        random_(options.seed) {
    file_.refuse_unknown_keys();
    if (options.steps) config_.steps = *options.steps;
    if (config_.data.empty())
      throw Error(ErrorCode::invalid, "data.folder: no folder with training data was given");
  }

  void run() {
    const int size = std::max(config_.networks.image_size, config_.networks.pose_image_size());
    const TalkingHeadDataset dataset(config_.data, size, config_.filter);
    spdlog::info("{} clips and stills, {} frames, {} unreadable", dataset.clips().size(),
                 dataset.frame_count(), dataset.unreadable());
    if (config_.l1_weight > 0)
      spdlog::info(
          "content loss: multi-scale L1 and image gradients, the substitute for perceptual networks");
    for (const auto& clip : dataset.clips())
      table_clips_ += clip.id + (config_.augmentation.flip ? " " + clip.id + ":mirrored " : " ");
    const MetaSampler sampler(dataset, config_);
    MetaTrainer trainer(config_, sampler.label_count());
    const auto first = restore(trainer);
    if (first == 0 && config_.pose_deviation > 0) trainer.standardize_pose(sampler.draw(192, random_));
    const auto held_out = sampler.held_out(48);
    const auto strangers = load_strangers(size);

    StopSignal stop;
    EventWriter events(options_.run_dir / "events");
    Progress progress(config_.steps, first, stdout);
    std::int64_t step = first;
    const auto due = [&](std::int64_t every) {
      return every > 0 && (step % every == 0 || step == config_.steps);
    };
    while (step < config_.steps && !stop.requested()) {
      const auto losses = trainer.step(sampler.draw(config_.batch_size, random_), step);
      ++step;
      progress.update(step, config_.batch_size, losses);
      if (step % 20 == 0)
        for (const auto& [name, value] : losses) events.scalar("loss/" + name, step, value);
      if (due(config_.validation_every)) validate(trainer, held_out, strangers, events, step);
      if (due(config_.sheet_every)) draw_sheet(trainer, held_out, strangers, events, step);
      if (due(config_.checkpoint_every)) save(trainer, step);
    }
    if (step % config_.checkpoint_every != 0) save(trainer, step);
    write(trainer, step);
    if (config_.identity_source != IdentitySource::encoder) write_identities(trainer, dataset, sampler);
  }

 private:
  std::int64_t restore(MetaTrainer& trainer) {
    const auto latest = options_.resume ? folder_.latest() : std::nullopt;
    if (latest) {
      const auto checkpoint = Checkpoint::load(*latest);
      trainer.get(checkpoint);
      get_random_state(checkpoint);
      get_random_state(checkpoint, "sampler", random_);
      const auto step = std::stoll(checkpoint.text("step"));
      spdlog::info("resumed from {} at step {}", latest->string(), step);
      return step;
    }
    if (!config_.start_from.empty()) {
      const auto counts = trainer.start_from(Checkpoint::load(config_.start_from));
      spdlog::info("{}: {} tensors taken, {} in part, {} not", config_.start_from.string(), counts[0],
                   counts[1], counts[2]);
    }
    if (!config_.start_pose_from.empty()) trainer.start_pose_from(Checkpoint::load(config_.start_pose_from));
    return 0;
  }

  /// People no training sees: the `val` split, a few frames a clip.
  std::optional<MetaBatch> load_strangers(int size) {
    DatasetFilter filter{"val", config_.filter.only_shippable, false, 6};
    try {
      strangers_ = std::make_unique<TalkingHeadDataset>(config_.data, size, filter);
    } catch (const Error& error) {
      spdlog::warn("{}; validation goes without people of other clips", error.what());
      return std::nullopt;
    }
    return MetaSampler(*strangers_, config_).held_out(static_cast<int>(strangers_->clips().size()));
  }

  void validate(MetaTrainer& trainer, const MetaBatch& held_out, const std::optional<MetaBatch>& strangers,
                EventWriter& events, std::int64_t step) {
    last_metrics_ = trainer.validate(held_out);
    if (strangers) last_metrics_["stranger_landmarks"] = trainer.landmark_error(*strangers);
    std::string line;
    for (const auto& [name, value] : last_metrics_) {
      events.scalar("validation/" + name, step, value);
      line += fmt::format(" {} {:.4f}", name, value);
    }
    spdlog::info("step {}:{}", step, line);
  }

  void draw_sheet(MetaTrainer& trainer, const MetaBatch& held_out, const std::optional<MetaBatch>& strangers,
                  EventWriter& events, std::int64_t step) {
    const auto identities = trainer.identities(held_out).slice(0, 0, 48, 8);
    const auto pictures = trainer.sheet(strangers ? *strangers : held_out, identities);
    write_png(options_.run_dir / "sheet.png", pictures);
    events.image("cross", step, pictures);
    events.flush();
  }

  ModelInfo info(ModelKind kind, std::int64_t step) const {
    ModelInfo info;
    info.kind = kind;
    info.config = config_.networks;
    info.licence = "LGPL-2.1-or-later";
    info.provenance = {{"command", "reenact-train meta"},
                       {"configuration", file_.to_toml()},
                       {"step", step},
                       {"seed", options_.seed},
                       {"metrics", last_metrics_}};
    return info;
  }

  void save(MetaTrainer& trainer, std::int64_t step) {
    Checkpoint checkpoint;
    trainer.put(checkpoint);
    put_random_state(checkpoint);
    put_random_state(checkpoint, "sampler", random_);
    checkpoint.put_text("step", std::to_string(step));
    checkpoint.put_text("table_clips", table_clips_);
    try {
      folder_.save(checkpoint, step, info(ModelKind::checkpoint, step));
    } catch (const Error& error) {
      spdlog::error("{}", error.what());  // the run goes on: the next checkpoint may find room again
    }
  }

  void write(MetaTrainer& trainer, std::int64_t step) {
    write_model(options_.output, info(ModelKind::reenactor, step), trainer.model(), /*half=*/true);
    spdlog::info("wrote {}", options_.output.string());
  }

  /// Every moving clip's row of the table as an identity file, to look at and to blend.
  void write_identities(MetaTrainer& trainer, const TalkingHeadDataset& dataset, const MetaSampler& sampler) {
    constexpr std::size_t most_frames = 8;
    const auto folder = options_.run_dir / "identities";
    std::filesystem::create_directories(folder);
    for (std::size_t i = 0; i < dataset.clips().size(); ++i) {
      const auto& clip = dataset.clips()[i];
      if (clip.is_still()) continue;
      std::vector<cv::Mat> frames;
      for (std::size_t k = 0; k < most_frames; ++k)
        frames.push_back(clip.frames[k * clip.frames.size() / most_frames].rgb);
      auto identity = trainer.table_identity(sampler.label(i, false), frames);
      identity.name = clip.id;
      identity.licence = "not for distribution: a real person of the training data";
      save_identity(folder / (clip.id + ".safetensors"), identity, {{"clip", clip.id}});
    }
    spdlog::info("wrote the table's identities to {}", folder.string());
  }

  TrainingOptions options_;
  RunConfig file_;
  MetaConfig config_;
  CheckpointFolder folder_;
  Random random_;
  std::unique_ptr<TalkingHeadDataset> strangers_;
  LossValues last_metrics_;
  std::string table_clips_;  ///< whose embedding each row of the table is, separated by spaces
};

}  // namespace

CLI::App* add_meta_command(CLI::App& parent) {
  auto* command =
      parent.add_subcommand("meta", "Trains the reenactor on clips of many people (meta-learning)");
  auto options = std::make_shared<TrainingOptions>();
  add_training_options(*command, *options);
  command->callback([options] {
    apply_training_options(*options);
    MetaRun(*options).run();
  });
  return command;
}

}  // namespace reenact::training
