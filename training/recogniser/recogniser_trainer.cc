// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/recogniser/recogniser_trainer.h"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "offline/contact_sheet.h"
#include "reenact/error.h"
#include "torch/autocast.h"
#include "training/data/parallel.h"
#include "training/learning/finite_losses.h"
#include "training/learning/precision.h"
#include "training/learning/rate_schedule.h"

namespace reenact::training {
namespace {

/// Apart from the batches' seeds.
constexpr std::int64_t validation_draws = -1, sheet_draws = -2;

void read_recogniser_learning(const RunConfig& file, RecogniserLearningSettings& training) {
  file.read("training.batch_size", training.batch_size, 2);
  file.read("training.learning_rate", training.learning_rate, above_zero);
  file.read("training.final_rate_share", training.final_rate_share, 0);
  file.read("training.weight_decay", training.weight_decay, 0);
  file.read("training.warm_up_steps", training.warm_up_steps, 0);
  file.read("training.margin_warm_up_steps", training.margin_warm_up_steps, 0);
  file.read("training.dropout", training.dropout, 0, 0.9);
  file.read("training.scale", training.scale, above_zero);
  file.read("training.margin", training.margin, 0, 1.5);
  file.read("training.gradient_limit", training.gradient_limit, 0);
  file.read("training.weight_average", training.weight_average, 0, 1);
  read_precision(file, training.precision);
}

}  // namespace

RecogniserTrainingConfig read_recogniser_config(const RunConfig& file) {
  RecogniserTrainingConfig config;
  read_face_clip_settings(file, config.data);
  auto& network = config.network;
  file.read("network.depth", network.depth);
  file.read("network.width", network.width);
  file.read("network.image_size", network.image_size);
  file.read("network.embedding_size", network.embedding_size);
  network = to_json(network).get<RecogniserConfig>();  // refuses what no model file may have
  file.read("network.half", config.half);
  read_recogniser_learning(file, config.training);
  auto& samples = config.samples;
  file.read("samples.clips_share", samples.clips_share, 0, 1);
  file.read("samples.zoom", samples.zoom, 0);
  file.read("samples.shift", samples.shift, 0);
  file.read("samples.rotation", samples.rotation, 0);
  read_face_variation(file, "samples", samples.variation);
  file.read("validation.frame_step", config.validation.frame_step, 1);
  file.read("validation.least_gap", config.validation.least_gap, 1);
  read_run_schedule(file, config.run);
  return config;
}

RecogniserTrainer::RecogniserTrainer(const RecogniserTrainingConfig& config, std::uint64_t seed,
                                     const torch::Device& device)
    : AveragedNetworkTask({ModelKind::recogniser, "arc.", "changed_area_under_curve"}, config, device),
      config_(config),
      seed_(seed),
      network_(config.network, config.training.dropout),
      average_(config.network) {
  const auto& data = config_.data;
  clips_ = clips_to_learn_from(data);
  strangers_ = clips_of_strangers(data, config_.validation.frame_step);
  sampler_ = std::make_unique<FaceSampler>(clips_, config_.network.image_size, config_.samples);
  faces_ = validation_faces(strangers_, config_.network.image_size);
  const FaceSampler changing(strangers_, config_.network.image_size, config_.samples);
  changed_.resize(faces_.frames.size());
  for_each_in_parallel(changed_.size(), [&](std::size_t i) {
    auto random = random_of(0, validation_draws, static_cast<int>(i));
    changed_[i] = changing.vary(*faces_.frames[i], random);
  });
  spdlog::info("{} faces of {} people, {} faces of {} strangers to validate with", sampler_->faces(),
               sampler_->people(), faces_.faces.size(), changing.people());

  head_ = ArcFaceHead(sampler_->people(), config_.network.embedding_size);
  average_of(*network_, *average_);
  head_->to(device_);
  auto parameters = head_->parameters();
  for (auto& parameter : network_->parameters())
    if (parameter.requires_grad()) parameters.push_back(parameter);
  optimize(parameters, config_.training.learning_rate, config_.training.weight_decay);
}

RecogniserTrainer::Batch RecogniserTrainer::compose(std::int64_t step) const {
  const int size = config_.network.image_size, count = config_.training.batch_size;
  Batch batch{torch::empty({count, size, size, 3}, torch::kUInt8), torch::empty({count}, torch::kLong)};
  auto* faces = batch.faces.data_ptr<std::uint8_t>();
  auto* people = batch.people.data_ptr<std::int64_t>();
  for_each_in_parallel(static_cast<std::size_t>(count), [&](std::size_t i) {
    auto random = random_of(seed_, step, static_cast<int>(i));
    const auto sample = sampler_->draw(random);
    sample.rgb.copyTo(cv::Mat(size, size, CV_8UC3, faces + i * static_cast<std::size_t>(size * size * 3)));
    people[i] = sample.person;
  });
  return batch;
}

TrainingTask::Update RecogniserTrainer::draw(std::int64_t step) {
  return [this, step, batch = compose(step)] { return update(batch, step); };
}

Figures RecogniserTrainer::update(const Batch& batch, std::int64_t step) {
  const auto& training = config_.training;
  optimizer_->param_groups()[0].options().set_lr(
      training.learning_rate *
      rate_share(step, config_.run.steps, training.warm_up_steps, training.final_rate_share));
  const double margin =
      training.margin *
      std::min(1.0, (static_cast<double>(step) + 1) /
                        static_cast<double>(std::max<std::int64_t>(1, training.margin_warm_up_steps)));
  network_->train();
  const auto people = batch.people.to(device_);
  const auto rgb = batch.faces.to(device_).to(torch::kFloat).div(255).permute({0, 3, 1, 2});
  torch::Tensor vectors;
  {
    Autocast mixed(device_.type(), training.precision);
    vectors = network_->forward(rgb);
  }
  const auto cosines = head_->forward(vectors);
  const auto loss =
      torch::cross_entropy_loss(arcface_logits(cosines, people, training.scale, margin), people);
  const auto right = (cosines.argmax(1) == people).to(torch::kFloat).mean();
  const Figures losses = {{"total", loss.item<double>()}, {"right", right.item<double>()}};
  refuse_unless_finite(losses, "step " + std::to_string(step));
  descend(loss, training.gradient_limit);
  follow(step, training.weight_average);
  return losses;
}

Figures RecogniserTrainer::validate() {
  const auto plain = describe_faces(average_, faces_.faces), changed = describe_faces(average_, changed_);
  const auto gap = static_cast<std::size_t>(std::max(
      1, (config_.validation.least_gap + config_.validation.frame_step - 1) / config_.validation.frame_step));
  const auto as_they_are = verify(plain, plain, faces_.origins, gap);
  const auto one_changed = verify(plain, changed, faces_.origins, gap);
  return {{"equal_error_rate", as_they_are.equal_error_rate},
          {"area_under_curve", as_they_are.area_under_curve},
          {"changed_equal_error_rate", one_changed.equal_error_rate},
          {"changed_area_under_curve", one_changed.area_under_curve},
          {"changed_threshold", one_changed.threshold}};
}

cv::Mat RecogniserTrainer::sheet() {
  const auto plain = describe_faces(average_, faces_.faces), changed = describe_faces(average_, changed_);
  const auto similarity = torch::matmul(changed, plain.t());
  std::vector<std::vector<cv::Mat>> rows;
  constexpr std::size_t row_count = 8;
  for (std::size_t row = 0; row < row_count; ++row) {
    std::vector<cv::Mat> cells;
    for (int k = 0; k < 4; ++k) {
      auto random = random_of(seed_, sheet_draws, static_cast<int>(4 * row) + k);
      cells.push_back(sampler_->draw(random).rgb);
    }
    const std::size_t face = row * changed_.size() / row_count;
    cells.push_back(changed_[face]);
    for (const bool same : {true, false}) {
      std::size_t nearest = face;
      double highest = -2;
      for (std::size_t i = 0; i < changed_.size(); ++i) {
        const double score =
            similarity[static_cast<std::int64_t>(face)][static_cast<std::int64_t>(i)].item<double>();
        if (i == face || (faces_.origins[i].person == faces_.origins[face].person) != same || score < highest)
          continue;
        highest = score;
        nearest = i;
      }
      cells.push_back(faces_.faces[nearest]);
    }
    rows.push_back(cells);
  }
  return contact_sheet(rows, {"sample", "sample", "sample", "sample", "val", "nearest", "stranger"});
}

void RecogniserTrainer::save_to(Checkpoint& checkpoint) {
  AveragedNetworkTask::save_to(checkpoint);
  checkpoint.put_module("head", *head_);
}

void RecogniserTrainer::restore_from(const Checkpoint& checkpoint) {
  AveragedNetworkTask::restore_from(checkpoint);
  checkpoint.get_module("head", *head_);
}

nlohmann::json RecogniserTrainer::data_description() const {
  int stills = 0;
  for (const auto& clip : clips_) stills += clip.is_still();
  return {{"people", sampler_->people()},
          {"faces", sampler_->faces()},
          {"clips", static_cast<int>(clips_.size()) - stills},
          {"stills", stills},
          {"only_shippable", config_.data.only_shippable}};
}

}  // namespace reenact::training
