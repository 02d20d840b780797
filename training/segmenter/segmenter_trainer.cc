// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/segmenter/segmenter_trainer.h"

#include <spdlog/spdlog.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "offline/contact_sheet.h"
#include "reenact/error.h"
#include "torch/autocast.h"
#include "training/data/clips_in_memory.h"
#include "training/data/picture_tensor.h"
#include "training/data/random.h"
#include "training/learning/finite_losses.h"
#include "training/learning/precision.h"

namespace reenact::training {
namespace {

/// A flat green instead of what is not the person.
cv::Mat keyed(const cv::Mat& rgb, const cv::Mat& mask) {
  cv::Mat result = rgb.clone();
  const cv::Vec3b green(0, 200, 0);
  for (int y = 0; y < rgb.rows; ++y)
    for (int x = 0; x < rgb.cols; ++x)
      for (int c = 0; c < 3; ++c) {
        const int share = mask.at<uchar>(y, x);
        auto& pixel = result.at<cv::Vec3b>(y, x)[c];
        pixel = static_cast<uchar>((pixel * share + green[c] * (255 - share)) / 255);
      }
  return result;
}

}  // namespace

SegmenterTrainingConfig read_segmenter_config(const RunConfig& file) {
  SegmenterTrainingConfig config;
  auto& data = config.data;
  file.read("data.folder", data.folder);
  file.read("data.only_shippable", data.only_shippable);
  file.read("data.frame_step", data.frame_step, 1);
  file.read("data.stored_size", data.stored_size, 16);
  file.read("data.prefetch", data.prefetch);

  std::string preset = "lite";
  file.read("network.preset", preset);
  auto& network = config.network;
  network = segmenter_preset(preset);
  file.read("network.image_size", network.image_size);
  file.read("network.base_channels", network.base_channels);
  file.read("network.levels", network.levels);
  network = to_json(network).get<SegmenterConfig>();  // refuses what no model file may have
  file.read("network.half", config.half);

  auto& training = config.training;
  file.read("training.batch_size", training.batch_size, 1);
  file.read("training.learning_rate", training.learning_rate, above_zero);
  file.read("training.final_rate_share", training.final_rate_share, 0);
  file.read("training.weight_decay", training.weight_decay, 0);
  file.read("training.warm_up_steps", training.warm_up_steps, 0);
  file.read("training.dice_weight", training.dice_weight, 0);
  file.read("training.weight_average", training.weight_average, 0, 1);
  read_precision(file, training.precision);

  auto& samples = config.samples;
  file.read("samples.zoom", samples.zoom, 0);
  file.read("samples.shift", samples.shift, 0);
  file.read("samples.rotation", samples.rotation, 0);
  file.read("samples.background_swap", samples.background_swap, 0, 1);
  read_degradation(file, "samples", samples.degradation);
  read_run_schedule(file, config.run);
  return config;
}

MaskLoss mask_loss(const torch::Tensor& logits, const torch::Tensor& masks) {
  const auto probability = torch::sigmoid(logits);
  const auto sum = [](const torch::Tensor& x) { return x.sum({1, 2, 3}); };
  const auto dice = (2 * sum(probability * masks) + 1) / (sum(probability.pow(2)) + sum(masks.pow(2)) + 1);
  return {torch::binary_cross_entropy_with_logits(logits, masks), (1 - dice).mean()};
}

SegmenterTrainer::SegmenterTrainer(const SegmenterTrainingConfig& config, std::uint64_t seed,
                                   const torch::Device& device)
    : AveragedNetworkTask({ModelKind::segmenter, "unet.", "intersection_over_union"}, config, device),
      config_(config),
      seed_(seed),
      network_(config.network),
      average_(config.network) {
  const ClipsInMemory dataset(config_.data.folder, config_.data.stored_size,
                              {"train", config_.data.only_shippable, true, config_.data.frame_step});
  clips_ = dataset.clips();
  strangers_ =
      ClipsInMemory(config_.data.folder, config_.network.image_size, {"val", false, false, 10}).clips();
  for (const auto& clip : strangers_)
    for (const auto& frame : clip.frames)
      validation_.push_back(plain_sample(frame, config_.network.image_size));
  sampler_ = std::make_unique<MaskSampler>(clips_, config_.network.image_size, config_.samples);
  spdlog::info("{} frames of {} clips and stills, {} frames of {} clips to validate with",
               dataset.frame_count(), clips_.size(), validation_.size(), strangers_.size());

  average_of(*network_, *average_);
  optimize(network_->parameters(), config_.training.learning_rate, config_.training.weight_decay);
}

void SegmenterTrainer::set_rate(std::int64_t step) {
  const double warm = std::min(1.0, (step + 1.0) / std::max<std::int64_t>(1, config_.training.warm_up_steps));
  const double progress =
      std::min(1.0, static_cast<double>(step) / std::max<std::int64_t>(1, config_.run.steps));
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * progress));
  optimizer_->param_groups()[0].options().set_lr(
      config_.training.learning_rate * warm *
      (config_.training.final_rate_share + (1 - config_.training.final_rate_share) * cosine));
}

SegmenterTrainer::Batch SegmenterTrainer::compose(std::int64_t step) const {
  std::vector<torch::Tensor> pictures, masks;
  for (int i = 0; i < config_.training.batch_size; ++i) {
    auto random = random_of(seed_, step, i);
    const auto sample = sampler_->draw(random);
    pictures.push_back(to_picture_tensor(sample.rgb, sample.rgb.rows));
    masks.push_back(to_picture_tensor(sample.mask, sample.mask.rows));
  }
  return {torch::stack(pictures), torch::stack(masks)};
}

TrainingTask::Update SegmenterTrainer::draw(std::int64_t step) {
  return [this, step, batch = compose(step)] { return update(batch, step); };
}

Figures SegmenterTrainer::update(const Batch& batch, std::int64_t step) {
  set_rate(step);
  network_->train();
  torch::Tensor logits;
  {
    Autocast mixed(device_.type(), config_.training.precision);
    logits = network_->forward(batch.pictures.to(device_));
  }
  const auto loss = mask_loss(logits.to(torch::kFloat), batch.masks.to(device_));
  const auto total = loss.cross_entropy + config_.training.dice_weight * loss.dice;
  const Figures losses = {{"total", total.item<double>()},
                          {"cross_entropy", loss.cross_entropy.item<double>()},
                          {"dice", loss.dice.item<double>()}};
  refuse_unless_finite(losses, "step " + std::to_string(step));
  descend(total);
  follow(step, config_.training.weight_average);
  return losses;
}

Figures SegmenterTrainer::validate() {
  double intersection_over_union = 0, difference = 0;
  for (const auto& sample : validation_) {
    const auto mask = segment_person(average_, sample.rgb);
    const cv::Mat found = mask > 127, wanted = sample.mask > 127;
    const double both = cv::countNonZero(found & wanted), either = cv::countNonZero(found | wanted);
    intersection_over_union += either > 0 ? both / either : 1;
    difference += cv::norm(mask, sample.mask, cv::NORM_L1) / (255.0 * mask.total());
  }
  const double count = std::max<double>(1, static_cast<double>(validation_.size()));
  return {{"intersection_over_union", intersection_over_union / count},
          {"mean_difference", difference / count}};
}

cv::Mat SegmenterTrainer::sheet() {
  std::vector<std::vector<cv::Mat>> rows;
  const auto cells = [&](const MaskSample& sample) {
    const auto mask = segment_person(average_, sample.rgb);
    return std::vector<cv::Mat>{sample.rgb, sample.mask, mask, keyed(sample.rgb, mask)};
  };
  for (int row = 0; row < 7; ++row) {
    auto random = random_of(seed_, row, 1000);
    auto all = cells(sampler_->draw(random));
    for (std::size_t k = 0; k < 2; ++k) {
      const auto more = cells(validation_[(2 * row + k) * validation_.size() / 14]);
      all.insert(all.end(), more.begin(), more.end());
    }
    rows.push_back(all);
  }
  return contact_sheet(rows, {"sample", "label", "mask", "keyed", "val", "label", "mask", "keyed", "val",
                              "label", "mask", "keyed"});
}

nlohmann::json SegmenterTrainer::data_description() const {
  std::map<std::string, int> counts;
  for (const auto& clip : clips_) {
    ++counts[clip.is_still() ? "stills" : "clips"];
    counts["frames"] += static_cast<int>(clip.frames.size());
  }
  return {{"crops", counts}, {"only_shippable", config_.data.only_shippable}};
}

}  // namespace reenact::training
