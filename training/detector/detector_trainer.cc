// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/detector_trainer.h"

#include <spdlog/spdlog.h>

#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>
#include <random>

#include "offline/contact_sheet.h"
#include "torch/autocast.h"
#include "torch/load_weights.h"
#include "training/data/parallel.h"
#include "training/data/random.h"
#include "training/learning/finite_losses.h"
#include "training/learning/precision.h"

namespace reenact::training {
namespace {

// Pixels minus mean have about this deviation; the first layer's weights are smaller by it, and so is their
// rate.
constexpr double input_deviation = 64;
// Before training a face is this likely everywhere, so that the first steps are not spent on saying no.
constexpr double initial_face_probability = 0.05;

void initialize(S3fd& network) {
  torch::NoGradGuard no_grad;
  for (auto& item : network->named_parameters()) {
    if (item.key() == "conv1_1.weight") item.value().div_(input_deviation);
    if (item.key().find("_mbox_conf.bias") != std::string::npos) {
      item.value().zero_();
      item.value()[-1] = std::log(initial_face_probability / (1 - initial_face_probability));
    }
  }
}

std::vector<MapSize> maps_of(S3fd& network, int size) {
  torch::NoGradGuard no_grad;
  return map_sizes(network->forward(torch::zeros({1, 3, size, size})));
}

void draw_boxes(cv::Mat& rgb, const std::vector<FaceBox>& boxes, const cv::Scalar& colour) {
  for (const auto& box : boxes)
    cv::rectangle(rgb, cv::Point2f(box.left, box.top), cv::Point2f(box.right, box.bottom), colour, 2);
}

/// Set into a square, so that pictures of all shapes fit the cells of a sheet.
cv::Mat letterboxed(const cv::Mat& rgb, int size) {
  cv::Mat result(size, size, CV_8UC3, cv::Scalar::all(64));
  rgb.copyTo(result(cv::Rect(0, 0, rgb.cols, rgb.rows)));
  return result;
}

}  // namespace

DetectorTrainer::DetectorTrainer(const DetectorTrainingConfig& config, std::uint64_t seed,
                                 const torch::Device& device)
    : AveragedNetworkTask({ModelKind::detector, "s3fd.", "average_precision"}, config, device),
      config_(config),
      seed_(seed),
      network_(config.network.width),
      average_(config.network.width) {
  const auto folder = config_.data.folder / "detector";
  pictures_ =
      read_face_pictures(folder, {"train", config_.data.only_shippable, config_.data.longer_side}, &sources_);
  const auto held_out = take_held_out(pictures_, config_.data.face_free_held_out);
  validation_ = read_face_pictures(folder, {"val", config_.data.only_shippable, config_.data.longer_side});
  auto cutouts = read_head_cutouts(config_.data.folder, config_.data.only_shippable, config_.data.heads);
  heads_ = std::move(cutouts.heads);
  head_counts_ = {{"clips", cutouts.clips}, {"stills", cutouts.stills}};
  composer_ = std::make_unique<SceneComposer>(pictures_, heads_, config_.scenes);
  spdlog::info(
      "{} pictures, {} without a face held out, {} to validate with; {} heads of {} clips and {} stills",
      pictures_.size(), held_out.size(), validation_.size(), heads_.size(), cutouts.clips, cutouts.stills);

  if (config_.training.start_from.empty())
    initialize(network_);
  else
    load_weights(*network_, ModelFile(config_.training.start_from, ModelKind::detector), "s3fd.");
  for (const int size : config_.training.picture_sizes)
    anchors_[size] = make_anchors(maps_of(network_, size));
  average_of(*network_, *average_);
  std::vector<torch::Tensor> weights, others, first;
  for (auto& item : network_->named_parameters())
    (item.key() == "conv1_1.weight" ? first
     : item.value().dim() > 1       ? weights
                                    : others)
        .push_back(item.value());
  using torch::optim::AdamWOptions;
  const auto group = [&](const std::vector<torch::Tensor>& parameters, double decay) {
    return torch::optim::OptimizerParamGroup(
        parameters,
        std::make_unique<AdamWOptions>(AdamWOptions(config_.training.learning_rate).weight_decay(decay)));
  };
  optimizer_ = std::make_unique<torch::optim::AdamW>(
      std::vector<torch::optim::OptimizerParamGroup>{group(weights, config_.training.weight_decay),
                                                     group(others, 0), group(first, 0)},
      AdamWOptions(config_.training.learning_rate));
}

void DetectorTrainer::set_rate(std::int64_t step) {
  const double warm = std::min(1.0, (step + 1.0) / std::max<std::int64_t>(1, config_.training.warm_up_steps));
  const double progress =
      std::min(1.0, static_cast<double>(step) / std::max<std::int64_t>(1, config_.run.steps));
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * progress));
  const double rate = config_.training.learning_rate * warm *
                      (config_.training.final_rate_share + (1 - config_.training.final_rate_share) * cosine);
  auto& groups = optimizer_->param_groups();
  groups[0].options().set_lr(rate);
  groups[1].options().set_lr(rate);
  groups[2].options().set_lr(rate / input_deviation);
}

DetectorTrainer::Batch DetectorTrainer::compose(std::int64_t step) const {
  auto step_random = random_of(seed_, step, -1);
  const auto& sizes = config_.training.picture_sizes;
  const int size = sizes[std::uniform_int_distribution<std::size_t>(0, sizes.size() - 1)(step_random)];
  const auto& anchors = anchors_.at(size);
  const auto count = static_cast<std::size_t>(config_.training.batch_size);
  Batch batch;
  batch.targets.resize(count);
  // Bytes travel to the device, a quarter of what floats would be.
  batch.pictures = torch::empty({config_.training.batch_size, size, size, 3},
                                torch::TensorOptions(torch::kUInt8).pinned_memory(device_.is_cuda()));
  auto* bytes = batch.pictures.data_ptr<std::uint8_t>();
  const std::size_t picture_bytes = static_cast<std::size_t>(size) * size * 3;
  for_each_in_parallel(count, [&](std::size_t i) {
    auto random = random_of(seed_, step, static_cast<int>(i));
    const auto scene = composer_->draw(size, random);
    cv::Mat picture(size, size, CV_8UC3, bytes + i * picture_bytes);
    scene.rgb.copyTo(picture);
    batch.targets[i] = match_anchors(anchors, scene.faces, scene.ignored, config_.training.match);
  });
  return batch;
}

TrainingTask::Update DetectorTrainer::draw(std::int64_t step) {
  return [this, step, batch = compose(step)] { return update(batch, step); };
}

Figures DetectorTrainer::update(const Batch& batch, std::int64_t step) {
  set_rate(step);
  std::vector<S3fdOutput> outputs;
  {
    Autocast mixed(device_.type(), config_.training.precision);
    outputs =
        network_->forward(detector_input(batch.pictures.to(device_, /*non_blocking=*/true), config_.network));
  }
  const auto loss = multibox_loss(flatten_outputs(outputs), batch.targets, config_.training.loss);
  const auto total = loss.classification + config_.training.localisation_weight * loss.localisation;
  Figures losses = {{"total", total.item<double>()},
                    {"classification", loss.classification.item<double>()},
                    {"localisation", loss.localisation.item<double>()}};
  const auto when = "step " + std::to_string(step);
  refuse_unless_finite(losses, when);
  optimizer_->zero_grad();
  scaler_.scaled(total).backward();
  losses["gradient"] = 0;
  if (scaler_.unscale(*optimizer_)) {
    losses["gradient"] =
        torch::nn::utils::clip_grad_norm_(network_->parameters(), config_.training.gradient_limit);
    refuse_unless_finite(losses, when);
    optimizer_->step();
  }
  follow(step, config_.training.weight_average);
  return losses;
}

FaceSearch DetectorTrainer::search() {
  return [this](const cv::Mat& rgb, float score_threshold, float iou_threshold) {
    return detect_faces(average_, rgb, config_.network, score_threshold, iou_threshold);
  };
}

Figures DetectorTrainer::validate() {
  const auto score = score_pictures(search(), validation_, config_.validation);
  return {{"average_precision", score.average_precision},
          {"recall", score.recall},
          {"precision", score.precision},
          {"false_alarms", score.false_alarms}};
}

cv::Mat DetectorTrainer::sheet() {
  const cv::Scalar wanted(0, 220, 0), unsure(240, 200, 0), found(255, 0, 0);
  std::vector<std::vector<cv::Mat>> rows;
  for (int row = 0; row < 5; ++row) {
    std::vector<cv::Mat> cells;
    for (int column = 0; column < 4; ++column) {
      auto random = random_of(seed_, row, 1000 + column);
      auto scene = composer_->draw(config_.validation.detect_size, random);
      const auto faces =
          search()(scene.rgb, config_.validation.score_threshold, config_.validation.iou_threshold);
      draw_boxes(scene.rgb, scene.faces, wanted);
      draw_boxes(scene.rgb, scene.ignored, unsure);
      draw_boxes(scene.rgb, faces, found);
      cells.push_back(scene.rgb);
    }
    for (std::size_t column = 0; column < 4; ++column) {
      const auto index = (row * 4 + column) * validation_.size() / 20;
      auto picture = reduced(validation_[index], config_.validation.detect_size);
      const auto faces =
          search()(picture.rgb, config_.validation.score_threshold, config_.validation.iou_threshold);
      draw_boxes(picture.rgb, picture.faces, wanted);
      draw_boxes(picture.rgb, picture.ignored, unsure);
      draw_boxes(picture.rgb, faces, found);
      cells.push_back(letterboxed(picture.rgb, config_.validation.detect_size));
    }
    rows.push_back(cells);
  }
  return contact_sheet(rows, {"scene", "scene", "scene", "scene", "val", "val", "val", "val"});
}

nlohmann::json DetectorTrainer::data_description() const {
  return {{"pictures", sources_}, {"heads", head_counts_}, {"only_shippable", config_.data.only_shippable}};
}

}  // namespace reenact::training
