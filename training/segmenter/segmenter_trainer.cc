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
#include "torch/load_weights.h"
#include "training/data/clips_in_memory.h"
#include "training/data/picture_tensor.h"
#include "training/data/random.h"
#include "training/learning/precision.h"
#include "training/reenactor/reenactor_networks.h"

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

void check(bool good, const std::string& sentence) {
  if (!good) throw Error(ErrorCode::invalid, sentence);
}

}  // namespace

SegmenterTrainingConfig read_segmenter_config(const RunConfig& file) {
  SegmenterTrainingConfig config;
  config.data = file.text("data.folder", "");
  config.only_shippable = file.boolean("data.only_shippable", config.only_shippable);
  config.frame_step = static_cast<int>(file.integer("data.frame_step", config.frame_step));
  config.stored_size = static_cast<int>(file.integer("data.stored_size", config.stored_size));
  config.prefetch = file.boolean("data.prefetch", config.prefetch);

  config.network = segmenter_preset(file.text("network.preset", "lite"));
  nlohmann::json network = config.network;
  for (const char* key : {"image_size", "base_channels", "levels"})
    network[key] = file.integer(std::string("network.") + key, network[key].get<int>());
  network.get_to(config.network);
  config.half = file.boolean("network.half", config.half);

  config.batch_size = static_cast<int>(file.integer("training.batch_size", config.batch_size));
  config.learning_rate = file.number("training.learning_rate", config.learning_rate);
  config.final_rate_share = file.number("training.final_rate_share", config.final_rate_share);
  config.weight_decay = file.number("training.weight_decay", config.weight_decay);
  config.warm_up_steps = file.integer("training.warm_up_steps", config.warm_up_steps);
  config.dice_weight = file.number("training.dice_weight", config.dice_weight);
  config.weight_average = file.number("training.weight_average", config.weight_average);
  config.precision = read_precision(file, config.precision);

  auto& samples = config.samples;
  samples.zoom = file.number("samples.zoom", samples.zoom);
  samples.shift = file.number("samples.shift", samples.shift);
  samples.rotation = file.number("samples.rotation", samples.rotation);
  samples.background_swap = file.number("samples.background_swap", samples.background_swap);
  auto& degradation = samples.degradation;
  degradation.colour = file.number("samples.colour", degradation.colour);
  degradation.grey = file.number("samples.grey", degradation.grey);
  degradation.blur = file.number("samples.blur", degradation.blur);
  degradation.jpeg = file.number("samples.jpeg", degradation.jpeg);
  degradation.noise = file.number("samples.noise", degradation.noise);

  check(config.batch_size >= 1, "training.batch_size must be at least 1");
  check(config.learning_rate > 0, "training.learning_rate must be above 0");
  check(config.frame_step >= 1 && config.stored_size >= 16,
        "data.frame_step must be at least 1 and data.stored_size at least 16");
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
    : config_(config),
      seed_(seed),
      device_(device),
      network_(config.network),
      average_(config.network),
      scaler_(LossScaler::first_scale(config.precision)) {
  check_precision(config_.precision, device_);
  const ClipsInMemory dataset(config_.data, config_.stored_size,
                              {"train", config_.only_shippable, true, config_.frame_step});
  clips_ = dataset.clips();
  strangers_ = ClipsInMemory(config_.data, config_.network.image_size, {"val", false, false, 10}).clips();
  for (const auto& clip : strangers_)
    for (const auto& frame : clip.frames)
      validation_.push_back(plain_sample(frame, config_.network.image_size));
  sampler_ = std::make_unique<MaskSampler>(clips_, config_.network.image_size, config_.samples);
  spdlog::info("{} frames of {} clips and stills, {} frames of {} clips to validate with",
               dataset.frame_count(), clips_.size(), validation_.size(), strangers_.size());

  network_->to(device_);
  average_->to(device_);
  update_average(*average_, *network_, 0.0);
  average_->eval();
  for (auto& parameter : average_->parameters()) parameter.set_requires_grad(false);
  using torch::optim::AdamWOptions;
  optimizer_ = std::make_unique<torch::optim::AdamW>(
      network_->parameters(), AdamWOptions(config_.learning_rate).weight_decay(config_.weight_decay));
}

void SegmenterTrainer::set_rate(std::int64_t step) {
  const double warm = std::min(1.0, (step + 1.0) / std::max<std::int64_t>(1, config_.warm_up_steps));
  const double progress = std::min(1.0, static_cast<double>(step) / std::max<std::int64_t>(1, config_.steps));
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * progress));
  optimizer_->param_groups()[0].options().set_lr(
      config_.learning_rate * warm * (config_.final_rate_share + (1 - config_.final_rate_share) * cosine));
}

SegmenterTrainer::Batch SegmenterTrainer::compose(std::int64_t step) const {
  std::vector<torch::Tensor> pictures, masks;
  for (int i = 0; i < config_.batch_size; ++i) {
    auto random = random_of(seed_, step, i);
    const auto sample = sampler_->draw(random);
    pictures.push_back(to_picture_tensor(sample.rgb, sample.rgb.rows));
    masks.push_back(to_picture_tensor(sample.mask, sample.mask.rows));
  }
  return {torch::stack(pictures), torch::stack(masks)};
}

SegmenterTrainer::Batch SegmenterTrainer::next_batch(std::int64_t step) {
  auto batch = prefetcher_.take(step, [this, step] { return compose(step); });
  if (config_.prefetch) prefetcher_.begin(step + 1, [this, step] { return compose(step + 1); });
  return batch;
}

std::map<std::string, double> SegmenterTrainer::step(std::int64_t step) {
  set_rate(step);
  network_->train();
  const auto batch = next_batch(step);
  torch::Tensor logits;
  {
    Autocast mixed(device_.type(), config_.precision);
    logits = network_->forward(batch.pictures.to(device_));
  }
  const auto loss = mask_loss(logits.to(torch::kFloat), batch.masks.to(device_));
  const auto total = loss.cross_entropy + config_.dice_weight * loss.dice;
  optimizer_->zero_grad();
  scaler_.scaled(total).backward();
  if (scaler_.unscale(*optimizer_)) optimizer_->step();
  update_average(*average_, *network_, std::min(config_.weight_average, (1.0 + step) / (10.0 + step)));
  return {{"total", total.item<double>()},
          {"cross_entropy", loss.cross_entropy.item<double>()},
          {"dice", loss.dice.item<double>()}};
}

std::map<std::string, double> SegmenterTrainer::validate() {
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

void SegmenterTrainer::put(Checkpoint& checkpoint) {
  checkpoint.put_module("network", *network_);
  checkpoint.put_module("average", *average_);
  checkpoint.put_optimizer("optimizer", *optimizer_);
  scaler_.put(checkpoint, "scaler");
}

void SegmenterTrainer::get(const Checkpoint& checkpoint) {
  checkpoint.get_module("network", *network_);
  checkpoint.get_module("average", *average_);
  checkpoint.get_optimizer("optimizer", *optimizer_);
  scaler_.get(checkpoint, "scaler");
}

nlohmann::json SegmenterTrainer::network_config() const {
  return config_.network;
}

nlohmann::json SegmenterTrainer::data_description() const {
  std::map<std::string, int> counts;
  for (const auto& clip : clips_) {
    ++counts[clip.is_still() ? "stills" : "clips"];
    counts["frames"] += static_cast<int>(clip.frames.size());
  }
  return {{"crops", counts}, {"only_shippable", config_.only_shippable}};
}

void SegmenterTrainer::write(const std::filesystem::path& path, const ModelInfo& info) {
  write_model(path, info, weights_of(*average_, "unet."), config_.half);
}

}  // namespace reenact::training
