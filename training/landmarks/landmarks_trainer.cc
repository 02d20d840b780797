// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/landmarks/landmarks_trainer.h"

#include <spdlog/spdlog.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>

#include "offline/contact_sheet.h"
#include "reenact/error.h"
#include "torch/autocast.h"
#include "training/data/parallel.h"
#include "training/learning/finite_losses.h"
#include "training/learning/landmark_loss.h"
#include "training/learning/precision.h"
#include "training/learning/rate_schedule.h"
#include "training/learning/weight_average.h"

namespace reenact::training {
namespace {

constexpr std::int64_t first_mesh_draws = -1, mesh_sheet_draws = -2;

void read_landmarks_learning(const RunConfig& file, LandmarksLearningSettings& training) {
  file.read("training.batch_size", training.batch_size, 2);
  file.read("training.learning_rate", training.learning_rate, above_zero);
  file.read("training.final_rate_share", training.final_rate_share, 0);
  file.read("training.weight_decay", training.weight_decay, 0);
  file.read("training.warm_up_steps", training.warm_up_steps, 0);
  file.read("training.dropout", training.dropout, 0, 0.9);
  file.read("training.expression_weight", training.expression_weight, 0);
  file.read("training.motion_weight", training.motion_weight, 0);
  file.read("training.gradient_limit", training.gradient_limit, 0);
  file.read("training.weight_average", training.weight_average, 0, 1);
  read_precision(file, training.precision);
}

void read_mesh_samples(const RunConfig& file, MeshSampleOptions& samples) {
  file.read("samples.least_framing", samples.least_framing, 0.5);
  file.read("samples.most_framing", samples.most_framing, 0.5);
  if (samples.most_framing < samples.least_framing)
    throw Error(ErrorCode::invalid, "samples.most_framing is below samples.least_framing, wanted no less");
  file.read("samples.shift", samples.shift, 0);
  file.read("samples.rotation", samples.rotation, 0);
  file.read("samples.stretch", samples.stretch, 0);
  file.read("samples.pixelwise", samples.pixelwise, 0, 1);
  read_face_variation(file, "samples", samples.variation);
}

/// The crop with the points on it.
cv::Mat with_mesh(const cv::Mat& rgb, const std::vector<cv::Point2f>& mesh, const cv::Scalar& color) {
  cv::Mat picture;
  cv::resize(rgb, picture, {256, 256}, 0, 0, cv::INTER_CUBIC);
  for (const auto& point : mesh) cv::circle(picture, point * 256, 1, color, cv::FILLED, cv::LINE_AA);
  return picture;
}

}  // namespace

LandmarksTrainingConfig read_landmarks_config(const RunConfig& file) {
  LandmarksTrainingConfig config;
  read_face_clip_settings(file, config.data);
  auto& network = config.network;
  file.read("network.image_size", network.image_size);
  file.read("network.width", network.width);
  file.read("network.framing", network.framing);
  network = to_json(network).get<LandmarksConfig>();  // refuses what no model file may have
  file.read("network.half", config.half);
  read_landmarks_learning(file, config.training);
  read_mesh_samples(file, config.samples);
  file.read("validation.frame_step", config.validation_frame_step, 1);
  read_run_schedule(file, config.run);
  return config;
}

LandmarksTrainer::LandmarksTrainer(const LandmarksTrainingConfig& config, std::uint64_t seed,
                                   const torch::Device& device)
    : AveragedNetworkTask({ModelKind::landmarks, "lmk.", "accuracy"}, config, device),
      config_(config),
      seed_(seed),
      network_(config.network, config.training.dropout),
      average_(config.network) {
  const auto& data = config_.data;
  clips_ = clips_to_learn_from(data);
  strangers_ = clips_of_strangers(data, config_.validation_frame_step);
  for (const auto& clip : strangers_)
    for (const auto& frame : clip.frames)
      if (!frame.landmarks.empty()) validation_.push_back(&frame);
  if (validation_.empty())
    throw Error(
        ErrorCode::invalid,
        data.folder.string() + ": no frame of split val has face landmarks, wanted some to validate with");
  sampler_ = std::make_unique<MeshSampler>(clips_, config_.network.image_size, config_.samples);
  spdlog::info("{} faces of {} clips and stills, {} faces of {} clips to validate with", sampler_->faces(),
               clips_.size(), validation_.size(), strangers_.size());

  average_of(*network_, *average_);
  optimize(network_->parameters(), config_.training.learning_rate, config_.training.weight_decay);
}

void LandmarksTrainer::start() {
  // The last layer begins at the mean face instead of a point in the corner.
  torch::NoGradGuard no_grad;
  std::vector<double> sum(static_cast<std::size_t>(2 * config_.network.points));
  constexpr int count = 64;
  for (int i = 0; i < count; ++i) {
    auto random = random_of(seed_, first_mesh_draws, i);
    const auto sample = sampler_->draw(random);
    for (std::size_t k = 0; k < sample.mesh.size(); ++k) {
      sum[2 * k] += sample.mesh[k].x;
      sum[2 * k + 1] += sample.mesh[k].y;
    }
  }
  const auto mean = torch::tensor(sum).to(torch::kFloat) / count;
  network_->named_parameters()["classifier.1.bias"].copy_(mean);
  update_average(*average_, *network_, 0.0);
}

LandmarksTrainer::Batch LandmarksTrainer::compose(std::int64_t step) const {
  const int size = config_.network.image_size, count = config_.training.batch_size,
            points = config_.network.points;
  Batch batch{torch::empty({count, size, size, 3}, torch::kUInt8), torch::empty({count, points, 2})};
  auto* pictures = batch.pictures.data_ptr<std::uint8_t>();
  auto* meshes = batch.meshes.data_ptr<float>();
  for_each_in_parallel(static_cast<std::size_t>(count), [&](std::size_t i) {
    auto random = random_of(seed_, step, static_cast<int>(i));
    const auto sample = sampler_->draw(random);
    sample.rgb.copyTo(cv::Mat(size, size, CV_8UC3, pictures + i * static_cast<std::size_t>(size * size * 3)));
    float* mesh = meshes + i * static_cast<std::size_t>(2 * points);
    for (const auto& point : sample.mesh) {
      *mesh++ = point.x;
      *mesh++ = point.y;
    }
  });
  return batch;
}

TrainingTask::Update LandmarksTrainer::draw(std::int64_t step) {
  return [this, step, batch = compose(step)] { return update(batch, step); };
}

Figures LandmarksTrainer::update(const Batch& batch, std::int64_t step) {
  const auto& training = config_.training;
  optimizer_->param_groups()[0].options().set_lr(
      training.learning_rate *
      rate_share(step, config_.run.steps, training.warm_up_steps, training.final_rate_share));
  network_->train();
  const auto rgb = batch.pictures.to(device_).to(torch::kFloat).div(255).permute({0, 3, 1, 2});
  const auto wanted = batch.meshes.to(device_);
  torch::Tensor found;
  {
    Autocast mixed(device_.type(), training.precision);
    found = network_->forward(rgb);
  }
  const auto known = torch::ones({wanted.size(0)}, wanted.options());
  const auto loss = landmark_loss(found, wanted, known, training.expression_weight, training.motion_weight);
  const auto distance = (found.detach() - wanted).pow(2).sum(2).sqrt().mean();
  const Figures losses = {{"total", loss.item<double>()}, {"distance", distance.item<double>()}};
  refuse_unless_finite(losses, "step " + std::to_string(step));
  descend(loss, training.gradient_limit);
  follow(step, training.weight_average);
  return losses;
}

Figures LandmarksTrainer::validate() {
  std::vector<cv::Mat> crops;
  for (const auto* frame : validation_) crops.push_back(frame->rgb);
  const auto meshes = find_landmarks(average_, crops);
  constexpr int left_outer = 33, right_outer = 263;
  double error = 0, share = 0;
  for (std::size_t i = 0; i < meshes.size(); ++i) {
    const auto& wanted = validation_[i]->landmarks;
    double distance = 0;
    for (std::size_t k = 0; k < wanted.size(); ++k) distance += cv::norm(meshes[i][k] - wanted[k]);
    distance /= static_cast<double>(wanted.size());
    error += distance;
    share += distance / std::max(0.02, cv::norm(wanted[left_outer] - wanted[right_outer]));
  }
  const auto count = static_cast<double>(meshes.size());
  return {{"error_in_256_pixels", 256 * error / count},
          {"error_between_eyes", share / count},
          {"accuracy", 1 - share / count}};
}

cv::Mat LandmarksTrainer::sheet() {
  std::vector<std::vector<cv::Mat>> rows;
  constexpr std::size_t row_count = 6;
  const cv::Scalar green(0, 255, 0), red(255, 40, 40);
  for (std::size_t row = 0; row < row_count; ++row) {
    std::vector<cv::Mat> cells;
    for (int k = 0; k < 3; ++k) {
      auto random = random_of(seed_, mesh_sheet_draws, static_cast<int>(3 * row) + k);
      const auto sample = sampler_->draw(random);
      cells.push_back(with_mesh(sample.rgb, sample.mesh, green));
    }
    const auto& frame = *validation_[row * validation_.size() / row_count];
    cells.push_back(with_mesh(frame.rgb, frame.landmarks, green));
    cells.push_back(with_mesh(frame.rgb, find_landmarks(average_, {frame.rgb})[0], red));
    rows.push_back(cells);
  }
  return contact_sheet(rows, {"sample", "sample", "sample", "label", "val"});
}

nlohmann::json LandmarksTrainer::data_description() const {
  int stills = 0;
  for (const auto& clip : clips_) stills += clip.is_still();
  return {{"faces", sampler_->faces()},
          {"clips", static_cast<int>(clips_.size()) - stills},
          {"stills", stills},
          {"only_shippable", config_.data.only_shippable}};
}

}  // namespace reenact::training
