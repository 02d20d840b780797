// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/compared/warping_trainer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "offline/contact_sheet.h"
#include "reenact/error.h"
#include "torch/autocast.h"
#include "torch/load_weights.h"
#include "training/data/picture_tensor.h"
#include "training/learning/finite_losses.h"
#include "training/learning/precision.h"

namespace reenact::training {
namespace {

void read_warping(const RunConfig& file, WarpingTrainingConfig& config) {
  config.data.stills = false;
  read_face_clip_settings(file, config.data);
  file.read("network.image_size", config.network.image_size);
  file.read("network.width", config.network.width);
  file.read("network.code_size", config.network.code_size);
  config.network = to_json(config.network).get<WarperConfig>();  // refuses what no model file may have
  file.read("network.half", config.half);
  auto& training = config.training;
  file.read("training.batch_size", training.batch_size, 1);
  file.read("training.sources", training.sources, 1, 64);
  file.read("training.learning_rate", training.learning_rate, above_zero);
  file.read("training.momentum", training.momentum, 0, 1);
  file.read("training.weight_average", training.weight_average, 0, 1);
  file.read("training.jitter", training.jitter, 0, 0.5);
  read_precision(file, training.precision);
  read_run_schedule(file, config.run);
}

}  // namespace

WarpingTrainingConfig read_x2face_config(const RunConfig& file) {
  WarpingTrainingConfig config;
  read_warping(file, config);
  return config;
}

WarpingTrainingConfig read_fabnet_config(const RunConfig& file) {
  WarpingTrainingConfig config;
  config.network.code_size = 256;
  config.training.batch_size = 128;
  config.training.learning_rate = 1e-4;
  config.training.jitter = 20.0 / 190;  // the authors' random crop of 170 to 190 pixels
  file.read("training.patience", config.training.patience, 0);
  read_warping(file, config);
  return config;
}

WarpingTrainer::WarpingTrainer(TaskDescription description, const std::string& network,
                               const WarpingTrainingConfig& config, std::uint64_t seed,
                               const torch::Device& device)
    : AveragedNetworkTask(std::move(description), config, device), config_(config), seed_(seed) {
  clips_ = clips_to_learn_from(config_.data);
  strangers_ = clips_of_strangers(config_.data, config_.data.frame_step);
  sampler_ = std::make_unique<ClipViewSampler>(clips_, network, config_.network.image_size,
                                               config_.training.sources);
  validation_ = ClipViewSampler(strangers_, network, config_.network.image_size, 1).plain();
  spdlog::info("{} clips, {} clips of other people to validate with", sampler_->clips(),
               validation_.target.size(0));
}

void WarpingTrainer::optimize_as_told(const std::vector<torch::Tensor>& parameters) {
  const auto& training = config_.training;
  if (training.momentum > 0)
    optimize_with_momentum(parameters, training.learning_rate, training.momentum);
  else
    optimize(parameters, training.learning_rate, /*weight_decay=*/0);
}

TrainingTask::Update WarpingTrainer::draw(std::int64_t step) {
  auto random = random_of(seed_, step, 0);
  auto views = sampler_->draw(config_.training.batch_size, random, config_.training.jitter);
  return [this, step, views = std::move(views)] { return update(views, step); };
}

Figures WarpingTrainer::update(const ClipViews& views, std::int64_t step) {
  set_training_mode();
  const ClipViews here{views.sources.to(device_), views.target.to(device_)};
  torch::Tensor loss;
  {
    Autocast mixed(device_.type(), config_.training.precision);
    loss = loss_of((drawn(here, false) - here.target).abs().flatten(1).mean(1));
  }
  const Figures losses = {{"total", loss.item<double>()}};
  refuse_unless_finite(losses, "step " + std::to_string(step));
  descend(loss);
  follow(step, config_.training.weight_average);
  return losses;
}

Figures WarpingTrainer::validate() {
  torch::NoGradGuard no_grad;
  double error = 0, unmoved = 0;
  const auto count = validation_.target.size(0);
  for (std::int64_t i = 0; i < count; ++i) {
    const ClipViews one{validation_.sources.narrow(0, i, 1).to(device_),
                        validation_.target.narrow(0, i, 1).to(device_)};
    error += (drawn(one, true) - one.target).abs().mean().item<double>();
    unmoved += (one.sources.select(1, 0) - one.target).abs().mean().item<double>();
  }
  const auto frames = static_cast<double>(count);
  // What a frame of the clip, left as it is, is off by: a network that moves nothing does as well.
  return {{"stranger_l1", error / frames}, {"stranger_l1_unmoved", unmoved / frames}};
}

cv::Mat WarpingTrainer::sheet() {
  torch::NoGradGuard no_grad;
  constexpr std::int64_t most_rows = 6;
  std::vector<std::vector<cv::Mat>> rows;
  for (std::int64_t i = 0; i < std::min(most_rows, validation_.target.size(0)); ++i) {
    const ClipViews one{validation_.sources.narrow(0, i, 1).to(device_),
                        validation_.target.narrow(0, i, 1).to(device_)};
    rows.push_back(
        {to_picture(one.sources[0][0]), to_picture(one.target[0]), to_picture(drawn(one, true)[0])});
  }
  return contact_sheet(rows, {"source", "target", "drawn"});
}

nlohmann::json WarpingTrainer::data_description() const {
  return {{"clips", sampler_->clips()}, {"only_shippable", config_.data.only_shippable}};
}

X2FaceTrainer::X2FaceTrainer(const WarpingTrainingConfig& config, std::uint64_t seed,
                             const torch::Device& device)
    : WarpingTrainer({ModelKind::warper, "", ""}, "x2face", config, seed, device),
      network_(config.network),
      average_(config.network) {
  // As the authors initialise: Xavier's normal distribution, and normalisation about 1.
  torch::NoGradGuard no_grad;
  for (auto& item : network_->named_parameters()) {
    if (item.key().ends_with("conv.weight")) torch::nn::init::xavier_normal_(item.value());
    if (item.key().ends_with("bn.weight")) item.value().uniform_(0.95, 1.05);
  }
  average_of(*network_, *average_);
  optimize_as_told(network_->parameters());
}

torch::Tensor X2FaceTrainer::drawn(const ClipViews& views, bool average) {
  auto& network = average ? average_ : network_;
  return warped(network->face(views.sources), network->offsets(views.target));
}

FabNetTrainer::FabNetTrainer(const WarpingTrainingConfig& config, std::uint64_t seed,
                             const torch::Device& device)
    : WarpingTrainer({ModelKind::reenactor, "", ""}, "fabnet", config, seed, device),
      network_(config.network.image_size, config.network.code_size, config.network.width),
      average_(config.network.image_size, config.network.code_size, config.network.width),
      curriculum_(config.training.patience) {
  average_of(*network_, *average_);
  // With more than one source the authors go on with encoder and attention alone.
  auto parameters = network_->encoder->parameters();
  for (auto* decoder : {&network_->mask, &network_->flow})
    for (auto& parameter : (*decoder)->parameters()) {
      const bool learns = decoder == &network_->mask || config.training.sources == 1;
      parameter.set_requires_grad(learns);
      if (learns) parameters.push_back(parameter);
    }
  optimize_as_told(parameters);
}

torch::Tensor FabNetTrainer::drawn(const ClipViews& views, bool average) {
  return (average ? average_ : network_)->forward(views.sources, views.target);
}

Figures FabNetTrainer::validate() {
  auto figures = WarpingTrainer::validate();
  curriculum_.validated(figures.at("stranger_l1"));
  optimizer_->param_groups()[0].options().set_lr(config_.training.learning_rate * curriculum_.rate_share());
  figures["curriculum"] = curriculum_.upper();
  return figures;
}

JsonObject FabNetTrainer::network_config() const {
  ReenactorConfig config;
  config.preset = "fabnet";
  config.pose_encoder = "fabnet";
  config.pose_embedding_size = config_.network.code_size;
  config.pose_encoder_width = config_.network.width;
  config.pose_input_size = config_.network.image_size;
  return to_json(config);
}

void FabNetTrainer::write(const std::filesystem::path& path, const ModelInfo& info) {
  write_model(path, info, weights_of(*average_->encoder, "pose."), config_.half);
}

void FabNetTrainer::save_to(Checkpoint& checkpoint) {
  AveragedNetworkTask::save_to(checkpoint);
  checkpoint.put("curriculum", curriculum_.state());
}

void FabNetTrainer::restore_from(const Checkpoint& checkpoint) {
  AveragedNetworkTask::restore_from(checkpoint);
  curriculum_.set_state(checkpoint.get("curriculum"));
  optimizer_->param_groups()[0].options().set_lr(config_.training.learning_rate * curriculum_.rate_share());
}

}  // namespace reenact::training
