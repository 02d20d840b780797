// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/spdlog.h>

#include <chrono>
#include <limits>

#include "offline/contact_sheet.h"
#include "offline/stop_signal.h"
#include "reenact/error.h"
#include "torch/device.h"
#include "torch/load_weights.h"
#include "training/commands.h"
#include "training/data/clips_in_memory.h"
#include "training/data/streamed_clips.h"
#include "training/learning/precision.h"
#include "training/reenactor/reenactor_sampler.h"
#include "training/reenactor/reenactor_trainer.h"
#include "training/run/checkpoint_folder.h"
#include "training/run/event_writer.h"
#include "training/run/prefetcher.h"
#include "training/run/progress.h"
#include "training/run/random_state.h"
#include "training/run/training_options.h"

namespace reenact::training {
namespace {

/// A batch, and the state in which drawing it has left the sampler's generator.
struct DrawnBatch {
  ReenactorBatch batch;
  Random random;
};

/// A run from its first step, or from its newest checkpoint, to its last step or a signal.
class ReenactorRun {
 public:
  explicit ReenactorRun(const TrainingOptions& options)
      : options_(options),
        file_(options.config, options.overrides),
        config_(read_reenactor_training_config(file_)),
        folder_(options.run_dir / "checkpoints", config_.keep_checkpoints),
        random_(options.seed),
        place_(place_from_environment()),
        device_(device_from(options.device, place_.local_rank)) {
    file_.refuse_unknown_keys();
    if (options.steps) config_.steps = *options.steps;
    check_precision(config_.precision, device_);
    if (config_.data.empty())
      throw Error(ErrorCode::invalid, "data.folder: no folder with training data was given");
    if (config_.batch_size % place_.count != 0)
      throw Error(ErrorCode::invalid, "training.batch_size is " + std::to_string(config_.batch_size) +
                                          ", wanted a multiple of the " + std::to_string(place_.count) +
                                          " processes that share it");
    if (place_.rank > 0) spdlog::set_level(spdlog::level::err);
    group_ = std::make_shared<ProcessGroup>(
        place_, std::chrono::milliseconds(static_cast<std::int64_t>(1000 * config_.peer_timeout)),
        ProcessGroup::default_patience, device_);
    if (place_.count > 1)
      spdlog::info(
          "{} processes share each batch of {}; batch normalisation works on each one's part, gradients "
          "travel with {}",
          place_.count, config_.batch_size, device_.is_cuda() && ProcessGroup::has_nccl() ? "NCCL" : "Gloo");
  }

  void run() {
    const c10::DeviceGuard current(device_);  // random state is that of the current GPU
    const int size = std::max(config_.networks.image_size, config_.networks.pose_image_size());
    announce_content_loss();
    spdlog::info("training on {} in {}", device_.str(), precision_name(config_.precision));
    std::unique_ptr<HeadClipSource> clips;
    std::optional<ReenactorBatch> strangers;
    group_->wait_for([&] {
      clips = open_clips(size);
      if (group_->is_main()) strangers = load_strangers(size);
    });
    for (const auto& clip : clips->entries())
      table_clips_ += clip.id + (config_.augmentation.flip ? " " + clip.id + ":mirrored " : " ");
    const ReenactorSampler sampler(*clips, config_);
    ReenactorTrainer trainer(config_, sampler.label_count(), group_, device_);
    std::int64_t first = 0;
    group_->wait_for([&] { first = prepare(trainer, sampler); });
    agree_on(first, trainer);
    const auto held_out = sampler.held_out(48);

    StopSignal stop;
    std::unique_ptr<EventWriter> events;
    std::unique_ptr<Progress> progress;
    if (group_->is_main()) {
      events = std::make_unique<EventWriter>(options_.run_dir / "events");
      progress = std::make_unique<Progress>(config_.steps, first, stdout);
    }
    std::int64_t step = first;
    const auto due = [&](std::int64_t every) {
      return every > 0 && (step % every == 0 || step == config_.steps);
    };
    const auto draw = [this, &sampler](std::int64_t at, Random random) {
      DrawnBatch drawn;
      drawn.batch = sampler.draw(config_.batch_size, random, group_->rank(), group_->count(), at);
      if (device_.is_cuda()) drawn.batch = drawn.batch.pinned();
      drawn.random = random;
      return drawn;
    };
    Prefetcher<DrawnBatch> prefetcher;
    const auto started = std::chrono::steady_clock::now();
    std::chrono::duration<double> waited{};
    while (step < config_.steps && !group_->any(stop.requested())) {
      const auto asked = std::chrono::steady_clock::now();
      auto drawn = prefetcher.take(step, [&] { return draw(step, random_); });
      waited += std::chrono::steady_clock::now() - asked;
      random_ = drawn.random;  // what a checkpoint after this step holds, whatever is drawn ahead
      if (config_.prefetch && step + 1 < config_.steps)
        prefetcher.begin(step + 1, [draw, at = step + 1, random = random_] { return draw(at, random); });
      const auto losses = trainer.step(drawn.batch, step);
      ++step;
      if (progress) progress->update(step, config_.batch_size, losses);
      if (events && step % 20 == 0)
        for (const auto& [name, value] : losses) events->scalar("loss/" + name, step, value);
      if (!due(config_.validation_every) && !due(config_.sheet_every) && !due(config_.checkpoint_every))
        continue;
      group_->on_main([&] {
        if (due(config_.validation_every)) validate(trainer, held_out, strangers, *events, step);
        if (due(config_.sheet_every)) draw_sheet(trainer, held_out, strangers, *events, step);
        if (due(config_.checkpoint_every)) save(trainer, step);
      });
    }
    const std::chrono::duration<double> trained = std::chrono::steady_clock::now() - started;
    spdlog::info("{:.1f} % of {:.0f} s were spent waiting for batches", 100 * waited / trained,
                 trained.count());
    if (const int count = clips->unreadable(); count > 0 && config_.clips_in_memory > 0)
      spdlog::warn("{} times a clip or still could not be decoded", count);
    group_->on_main([&] {
      if (!due(config_.checkpoint_every)) save(trainer, step);
      write(trainer, step);
      if (config_.identity_source != IdentitySource::encoder) write_identities(trainer, *clips, sampler);
    });
  }

 private:
  void announce_content_loss() const {
    if (!config_.perceptual_networks.empty())
      spdlog::info("content loss: {} of VGG features from {}",
                   config_.l1_weight > 0 ? "pixels (L1) and losses" : "losses",
                   config_.perceptual_networks.string());
    else if (config_.l1_weight > 0)
      spdlog::info(
          "content loss: multi-scale L1 and image gradients, the substitute for perceptual networks");
    else
      spdlog::warn("content loss: none, since there are no perceptual networks and loss.l1 is 0");
  }

  /// All clips in memory, or as many at a time as the configuration says.
  std::unique_ptr<HeadClipSource> open_clips(int size) const {
    if (config_.clips_in_memory > 0) {
      const StreamOptions stream{static_cast<std::size_t>(config_.clips_in_memory),
                                 static_cast<std::size_t>(config_.new_clips_per_step), config_.loader_threads,
                                 options_.seed};
      auto streamed = std::make_unique<StreamedClips>(config_.data, size, config_.filter, stream);
      spdlog::info("{} clips and stills, {} clips in memory at a time", streamed->entries().size(),
                   config_.clips_in_memory);
      return streamed;
    }
    const auto begun = std::chrono::steady_clock::now();
    auto dataset = std::make_unique<ClipsInMemory>(config_.data, size, config_.filter);
    const std::chrono::duration<double> loading = std::chrono::steady_clock::now() - begun;
    spdlog::info("{} clips and stills, {} frames, {} unreadable; {:.0f} frames/s", dataset->clips().size(),
                 dataset->frame_count(), dataset->unreadable(),
                 static_cast<double>(dataset->frame_count()) / loading.count());
    return dataset;
  }

  /// Restores or starts; every process does the same from the same files.
  std::int64_t prepare(ReenactorTrainer& trainer, const ReenactorSampler& sampler) {
    const auto first = restore(trainer);
    constexpr int mean_head_size = 16;
    if (first == 0 && config_.identity_source == IdentitySource::table && !table_restored_)
      trainer.start_table(sampler.mean_heads(mean_head_size));
    if (first == 0 && config_.pose_deviation > 0) trainer.standardize_pose(sampler.draw(192, random_));
    if (first == 0 && config_.identity_source == IdentitySource::fit)
      trainer.standardize_identity(sampler.draw(96, random_));
    return first;
  }

  void agree_on(std::int64_t first, ReenactorTrainer& trainer) {
    LossValues steps = {{"step", static_cast<double>(first)}};
    group_->average(steps);
    if (group_->any(steps["step"] != static_cast<double>(first)))
      throw Error(ErrorCode::invalid, "the processes found different checkpoints in '" +
                                          options_.run_dir.string() +
                                          "', wanted a folder that all of them share");
    trainer.broadcast();
    // Dropout and backgrounds differ from one process to the next; a run resumed by one process stays bit by
    // bit.
    if (group_->rank() > 0) seed_everything(options_.seed + 1'000'003 * group_->rank() + first);
  }

  std::int64_t restore(ReenactorTrainer& trainer) {
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
      const auto weights = starting_weights(config_.start_from);
      table_restored_ = weights.count("table.weight") > 0;
      const auto counts = trainer.start_from(weights);
      spdlog::info("{}: {} tensors taken, {} in part, {} not", config_.start_from.string(), counts[0],
                   counts[1], counts[2]);
    }
    if (!config_.start_pose_from.empty()) trainer.start_pose_from(Checkpoint::load(config_.start_pose_from));
    return 0;
  }

  /// People no training sees: the `val` split, a few frames a clip.
  std::optional<ReenactorBatch> load_strangers(int size) {
    DatasetFilter filter{"val", config_.filter.only_shippable, false, 6};
    try {
      strangers_ = std::make_unique<ClipsInMemory>(config_.data, size, filter);
    } catch (const Error& error) {
      spdlog::warn("{}; validation goes without people of other clips", error.what());
      return std::nullopt;
    }
    return ReenactorSampler(*strangers_, config_).held_out(static_cast<int>(strangers_->clips().size()));
  }

  void validate(ReenactorTrainer& trainer, const ReenactorBatch& held_out,
                const std::optional<ReenactorBatch>& strangers, EventWriter& events, std::int64_t step) {
    last_metrics_ = trainer.validate(held_out);
    if (strangers) last_metrics_["stranger_landmarks"] = trainer.landmark_error(*strangers);
    std::string line;
    for (const auto& [name, value] : last_metrics_) {
      events.scalar("validation/" + name, step, value);
      line += fmt::format(" {} {:.4f}", name, value);
    }
    spdlog::info("step {}:{}", step, line);
  }

  void draw_sheet(ReenactorTrainer& trainer, const ReenactorBatch& held_out,
                  const std::optional<ReenactorBatch>& strangers, EventWriter& events, std::int64_t step) {
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
    info.provenance = {{"command", "reenact-train reenactor"},
                       {"configuration", file_.to_toml()},
                       {"step", step},
                       {"seed", options_.seed},
                       {"metrics", last_metrics_}};
    return info;
  }

  void save(ReenactorTrainer& trainer, std::int64_t step) {
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

  void write(ReenactorTrainer& trainer, std::int64_t step) {
    write_model(options_.output, info(ModelKind::reenactor, step), trainer.model(), /*half=*/true);
    spdlog::info("wrote {}", options_.output.string());
  }

  /// Every moving clip's row of the table as an identity file, to look at and to blend.
  void write_identities(ReenactorTrainer& trainer, const HeadClipSource& clips,
                        const ReenactorSampler& sampler) {
    constexpr std::size_t most_frames = 8;
    const auto folder = options_.run_dir / "identities";
    std::filesystem::create_directories(folder);
    for (std::size_t i = 0; i < clips.entries().size(); ++i) {
      if (clips.entries()[i].still) continue;
      const auto clip = clips.clip(i);
      if (!clip) continue;
      std::vector<cv::Mat> frames;
      for (std::size_t k = 0; k < most_frames; ++k)
        frames.push_back(clip->frames[k * clip->frames.size() / most_frames].rgb);
      auto identity = trainer.table_identity(sampler.label(i, false), frames);
      identity.name = clip->id;
      identity.licence = "not for distribution: a real person of the training data";
      save_identity(folder / (clip->id + ".safetensors"), identity, {{"clip", clip->id}});
    }
    spdlog::info("wrote the table's identities to {}", folder.string());
  }

  TrainingOptions options_;
  RunConfig file_;
  ReenactorTrainingConfig config_;
  CheckpointFolder folder_;
  Random random_;  ///< in the same state in every process
  ProcessPlace place_;
  torch::Device device_;
  std::shared_ptr<ProcessGroup> group_;
  std::unique_ptr<ClipsInMemory> strangers_;
  LossValues last_metrics_;
  bool table_restored_ = false;  ///< the weights to start from had a table of their own
  std::string table_clips_;      ///< whose embedding each row of the table is, separated by spaces
};

}  // namespace

CLI::App* add_reenactor_command(CLI::App& parent) {
  auto* command =
      parent.add_subcommand("reenactor", "Trains the reenactor on clips of many people (meta-learning)");
  command->alias("meta");  // its former name, for one version
  auto options = std::make_shared<TrainingOptions>();
  add_training_options(*command, *options);
  command->callback([options] {
    apply_training_options(*options);
    ReenactorRun(*options).run();
  });
  return command;
}

}  // namespace reenact::training
