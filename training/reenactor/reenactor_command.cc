// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>

#include "reenact/error.h"
#include "torch/device.h"
#include "torch/load_weights.h"
#include "training/commands.h"
#include "training/data/clips_in_memory.h"
#include "training/data/streamed_clips.h"
#include "training/learning/precision.h"
#include "training/reenactor/reenactor_sampler.h"
#include "training/reenactor/reenactor_trainer.h"
#include "training/run/random_state.h"
#include "training/run/training_loop.h"

namespace reenact::training {
namespace {

/// The reenactor's networks, their data and what a run of them writes.
class ReenactorTask : public TrainingTask {
 public:
  /// Reads the data; every process of the group does.
  ReenactorTask(const ReenactorTrainingConfig& config, const TrainingOptions& options,
                std::shared_ptr<ProcessGroup> group, const torch::Device& device)
      : config_(config), options_(options), group_(std::move(group)), device_(device), random_(options.seed) {
    announce_content_loss();
    spdlog::info("training on {} in {}", device_.str(), precision_name(config_.training.precision));
    const int size = std::max(config_.networks.image_size, config_.networks.pose_image_size());
    group_->wait_for([&] {
      clips_ = open_clips(size);
      sampler_ = std::make_unique<ReenactorSampler>(*clips_, config_);
      held_out_ = sampler_->held_out(48);
      if (group_->is_main()) load_strangers(size);
    });
    trainer_ = std::make_unique<ReenactorTrainer>(config_, sampler_->label_count(), group_, device_);
  }

  std::int64_t samples_per_step() const override { return config_.training.batch_size; }
  bool draws_ahead() const override { return config_.data.prefetch; }

  Update draw(std::int64_t step) override {
    auto batch = sampler_->draw(config_.training.batch_size, drawn_, group_->rank(), group_->count(), step);
    if (device_.is_cuda()) batch = batch.pinned();
    return [this, step, batch, random = drawn_] {
      random_ = random;  // what a checkpoint after this step holds, whatever is drawn ahead
      refreshed_ = false;
      return trainer_->step(batch, step);
    };
  }

  void start() override {
    start_from_other_runs();
    constexpr int mean_head_size = 16;
    if (config_.identity.source == IdentitySource::table && !table_restored_)
      trainer_->start_table(sampler_->mean_heads(mean_head_size));
    if (config_.training.pose_deviation > 0) trainer_->standardize_pose(sampler_->draw(192, random_));
    if (config_.identity.source == IdentitySource::fit ||
        (config_.identity.source == IdentitySource::encoder && config_.training.identity_deviation > 0))
      trainer_->standardize_identity(sampler_->draw(96, random_));
    drawn_ = random_;
  }
  void share() override { trainer_->broadcast(); }

  Figures validate() override {
    refresh_batch_statistics();
    auto figures = trainer_->validate(held_out_);
    if (strangers_) {
      figures["stranger_landmarks"] = trainer_->landmark_error(*strangers_);
      figures.merge(trainer_->compare_with_reader(stranger_pictures_, stranger_labels_));
    }
    return figures;
  }
  cv::Mat sheet() override {
    const auto identities = trainer_->identities(held_out_).slice(0, 0, 48, 8);
    return trainer_->sheet(strangers_ ? *strangers_ : held_out_, identities);
  }

  void save_to(Checkpoint& checkpoint) override {
    trainer_->save_to(checkpoint);
    put_random_state(checkpoint, "sampler", random_);
    checkpoint.put_text("table_clips", table_clips());
  }
  void restore_from(const Checkpoint& checkpoint) override {
    trainer_->restore_from(checkpoint);
    get_random_state(checkpoint, "sampler", random_);
    drawn_ = random_;
  }
  ModelKind kind() const override { return ModelKind::reenactor; }
  JsonObject network_config() const override { return to_json(config_.networks); }
  void write(const std::filesystem::path& path, const ModelInfo& info) override {
    refresh_batch_statistics();
    write_model(path, info, trainer_->model(), /*half=*/true);
    if (config_.loss.adversarial == 0 || config_.identity.source == IdentitySource::fit)
      return;  // none learned
    ModelInfo of_discriminator = info;
    of_discriminator.kind = ModelKind::discriminator;
    write_model(options_.run_dir / "discriminator.safetensors", of_discriminator, trainer_->discriminator(),
                /*half=*/true);
  }
  void finish() override {
    if (const int count = clips_->unreadable(); count > 0 && config_.data.clips_in_memory > 0)
      spdlog::warn("{} times a clip or still could not be decoded", count);
    // Other poses than a picture's make no identity that an element could draw.
    if (config_.identity.source != IdentitySource::encoder && config_.networks.pose_source == "picture")
      write_identities();
  }

 private:
  /// On batches of their own, so that what is learned from does not depend on how often this happens.
  void refresh_batch_statistics() {
    if (refreshed_) return;
    constexpr int batches = 8;
    Random random(options_.seed + 1);
    trainer_->refresh_batch_statistics(batches,
                                       [&] { return sampler_->draw(config_.training.batch_size, random); });
    refreshed_ = true;
  }
  void announce_content_loss() const {
    if (!config_.loss.perceptual_networks.empty())
      spdlog::info("content loss: {} of VGG features from {}",
                   config_.loss.l1 > 0 ? "pixels (L1) and losses" : "losses",
                   config_.loss.perceptual_networks.string());
    else if (config_.loss.l1 > 0)
      spdlog::info(
          "content loss: multi-scale L1 and image gradients, the substitute for perceptual networks");
    else
      spdlog::warn("content loss: none, since there are no perceptual networks and loss.l1 is 0");
  }

  /// All clips in memory, or as many at a time as the configuration says.
  std::unique_ptr<HeadClipSource> open_clips(int size) const {
    if (config_.data.clips_in_memory > 0) {
      const StreamOptions stream{static_cast<std::size_t>(config_.data.clips_in_memory),
                                 static_cast<std::size_t>(config_.data.new_clips_per_step),
                                 config_.data.loader_threads, options_.seed};
      auto streamed =
          std::make_unique<StreamedClips>(config_.data.folder, size, config_.data.filter(), stream);
      spdlog::info("{} clips and stills, {} clips in memory at a time", streamed->entries().size(),
                   config_.data.clips_in_memory);
      return streamed;
    }
    const auto begun = std::chrono::steady_clock::now();
    auto dataset = std::make_unique<ClipsInMemory>(config_.data.folder, size, config_.data.filter());
    const std::chrono::duration<double> loading = std::chrono::steady_clock::now() - begun;
    spdlog::info("{} clips and stills, {} frames, {} unreadable; {:.0f} frames/s", dataset->clips().size(),
                 dataset->frame_count(), dataset->unreadable(),
                 static_cast<double>(dataset->frame_count()) / loading.count());
    return dataset;
  }

  void start_from_other_runs() {
    const auto& training = config_.training;
    if (!training.start_from.empty()) {
      const auto weights = starting_weights(training.start_from);
      table_restored_ = weights.count("table.weight") > 0;
      const auto counts = trainer_->start_from(weights);
      spdlog::info("{}: {} tensors taken, {} in part, {} not", training.start_from.string(), counts[0],
                   counts[1], counts[2]);
    }
    if (!training.start_pose_from.empty()) trainer_->start_pose_from(training.start_pose_from);
    if (!config_.disentangle.reader.empty())
      trainer_->start_reader(
          starting_weights(config_.disentangle.reader), clips_->entries().size(),
          [&](std::size_t i) { return sampler_->plain_frames(i, config_.disentangle.frames); });
  }

  /// People no training sees: the `val` split, a few frames a clip.
  void load_strangers(int size) {
    const DatasetFilter filter{"val", config_.data.only_shippable, false, 6};
    try {
      ClipsInMemory clips(config_.data.folder, size, filter);
      const ReenactorSampler sampler(clips, config_);
      strangers_ = sampler.held_out(static_cast<int>(clips.clips().size()));
      if (config_.disentangle.reader.empty()) return;
      std::vector<torch::Tensor> pictures, labels;
      for (std::size_t i = 0; i < clips.entries().size(); ++i) {
        constexpr int most_frames = 12;
        const auto [frames, people] = sampler.plain_frames(i, most_frames);
        pictures.push_back(frames);
        labels.push_back(people);
      }
      stranger_pictures_ = torch::cat(pictures);
      stranger_labels_ = torch::cat(labels);
    } catch (const Error& error) {
      spdlog::warn("{}; validation goes without people of other clips", error.what());
    }
  }

  /// Whose embedding each row of the table is, separated by spaces.
  std::string table_clips() const {
    std::string names;
    for (const auto& clip : clips_->entries())
      names += clip.id + (config_.augmentation.flip ? " " + clip.id + ":mirrored " : " ");
    return names;
  }

  /// Every moving clip's row of the table as an identity file, to look at and to blend.
  void write_identities() {
    constexpr std::size_t most_frames = 8;
    const auto folder = options_.run_dir / "identities";
    std::filesystem::create_directories(folder);
    for (std::size_t i = 0; i < clips_->entries().size(); ++i) {
      if (clips_->entries()[i].still) continue;
      const auto clip = clips_->clip(i);
      if (!clip) continue;
      std::vector<HeadFrame> frames;
      for (std::size_t k = 0; k < most_frames; ++k)
        frames.push_back(clip->frames[k * clip->frames.size() / most_frames]);
      auto identity = trainer_->table_identity(sampler_->label(i, false), frames);
      identity.name = clip->id;
      identity.licence = "not for distribution: a real person of the training data";
      save_identity(folder / (clip->id + ".safetensors"), identity, nlohmann::json{{"clip", clip->id}});
    }
    spdlog::info("wrote the table's identities to {}", folder.string());
  }

  ReenactorTrainingConfig config_;
  TrainingOptions options_;
  std::shared_ptr<ProcessGroup> group_;
  torch::Device device_;
  // The sampler's generator, in the same state in every process: after the batch of the last update, and after
  // the last one drawn, which may be one ahead.
  Random random_, drawn_;
  std::unique_ptr<HeadClipSource> clips_;
  std::unique_ptr<ReenactorSampler> sampler_;
  std::unique_ptr<ReenactorTrainer> trainer_;
  ReenactorBatch held_out_;
  std::optional<ReenactorBatch> strangers_;
  torch::Tensor stranger_pictures_, stranger_labels_;
  bool refreshed_ = false;       // the average has batch statistics of its own
  bool table_restored_ = false;  // the weights to start from had a table of their own
};

/// The processes that share each batch.
std::shared_ptr<ProcessGroup> join_processes(const ReenactorTrainingConfig& config, const ProcessPlace& place,
                                             const torch::Device& device) {
  const int batch_size = config.training.batch_size;
  if (batch_size % place.count != 0)
    throw Error(ErrorCode::invalid, "training.batch_size is " + std::to_string(batch_size) +
                                        ", wanted a multiple of the " + std::to_string(place.count) +
                                        " processes that share it");
  if (place.rank > 0) spdlog::set_level(spdlog::level::err);
  const auto timeout =
      std::chrono::milliseconds(static_cast<std::int64_t>(1000 * config.distributed.timeout));
  auto group = std::make_shared<ProcessGroup>(place, timeout, ProcessGroup::default_patience, device);
  if (place.count > 1)
    spdlog::info(
        "{} processes share each batch of {}; batch normalisation works on each one's part, gradients "
        "travel with {}",
        place.count, batch_size, device.is_cuda() && ProcessGroup::has_nccl() ? "NCCL" : "Gloo");
  return group;
}

void train_reenactor(const TrainingOptions& options) {
  const RunConfig file(options.config, options.overrides);
  auto config = read_reenactor_training_config(file);
  file.refuse_unknown_keys();
  if (options.steps) config.run.steps = *options.steps;
  const auto place = options.alone ? ProcessPlace() : place_from_environment();
  const auto device = device_from(options.device, place.local_rank);
  check_precision(config.training.precision, device);
  if (config.data.folder.empty())
    throw Error(ErrorCode::invalid, "data.folder: no folder with training data was given");
  const auto group = join_processes(config, place, device);
  const c10::DeviceGuard current(device);  // random state is that of the current GPU
  ReenactorTask task(config, options, group, device);
  run_training(task, options, file, config.run, "reenact-train reenactor", *group);
}

}  // namespace

CLI::App* add_reenactor_command(CLI::App& parent) {
  auto* command =
      parent.add_subcommand("reenactor", "Trains the reenactor on clips of many people (meta-learning)");
  command->alias("meta");  // its former name, for one version
  auto options = std::make_shared<TrainingOptions>();
  add_training_options(*command, *options);
  command->add_flag("--alone", options->alone,
                    "Train with this process alone, whatever the variables of torchrun, mpirun or SLURM say");
  command->callback([options] {
    apply_training_options(*options);
    train_reenactor(*options);
  });
  return command;
}

}  // namespace reenact::training
