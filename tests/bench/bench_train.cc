// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/bench_train.h"

#include <torch/torch.h>

#include <cmath>
#include <memory>

#include "bench/bench_models.h"
#include "bench/interleaved_timing.h"
#include "bench/reference_loop.h"
#include "cpu/kernels/instruction_set.h"
#include "reenact/engine.h"
#include "reenact/error.h"
#include "torch/load_weights.h"
#include "torch/networks/vgg.h"
#include "training/reenactor/reenactor_trainer.h"
#include "training/run/freed_memory.h"

namespace reenact::bench {
namespace {

using training::ReenactorBatch;
using training::ReenactorTrainer;
using training::ReenactorTrainingConfig;

/// Both content networks with random weights.
std::filesystem::path write_perceptual_networks(const std::filesystem::path& folder) {
  torch::manual_seed(4);
  auto tensors = weights_of(*VggFeatures(VggLayout::vgg19), "vgg19.");
  tensors.merge(weights_of(*VggFeatures(VggLayout::vgg_face), "vggface."));
  ModelInfo info;
  info.kind = ModelKind::perceptual;
  info.licence = "random weights";
  const auto path = folder / "perceptual.safetensors";
  write_model(path, info, tensors);
  return path;
}

ReenactorTrainingConfig config_for(const std::string& preset, const std::filesystem::path& perceptual) {
  return read_reenactor_training_config(
      training::RunConfig({}, {"networks.preset=" + preset, "loss.perceptual_networks=" + perceptual.string(),
                               "loss.dice_as_released=true"}));
}

ReenactorBatch random_batch(const ReenactorTrainingConfig& config, int count, int classes) {
  const auto side = config.networks.image_size, pose_side = config.networks.pose_image_size();
  ReenactorBatch batch;
  batch.pose_source = torch::rand({count, 3, pose_side, pose_side});
  batch.target = torch::rand({count, 3, side, side});
  batch.mask = torch::rand({count, 1, side, side});
  batch.landmarks = torch::zeros({count, training::landmark_count, 2});
  batch.has_landmarks = torch::zeros({count});
  batch.identity_frames = torch::rand({count, config.identity.frames, 3, side, side});
  batch.labels = torch::randint(classes, {count}, torch::kLong);
  return batch;
}

}  // namespace

std::vector<nlohmann::ordered_json> bench_train(const BenchOptions& options) {
  const bool paper = options.model == "paper";
  if (!paper && options.model != "lite")
    throw Error(ErrorCode::invalid,
                "the case train has --model '" + options.model + "', wanted paper or lite");
  // The released code has a class for each of VoxCeleb2's 98,000 videos.
  const int batch_size = paper ? 1 : 8, classes = paper ? 98'000 : 1'000;
  const TemporaryFolder folder;
  const auto config = config_for(options.model, write_perceptual_networks(folder.path()));
  const auto batch = random_batch(config, batch_size, classes);
  at::set_num_threads(options.threads);

  std::vector<Contestant> contestants;
  const auto reference = std::make_shared<ReferenceLoop>(config, classes);
  contestants.push_back({"reference", "fp32", options.threads, 0, 0, 0, [&] {
                           training::return_freed_memory();
                           reference->step(batch);
                         }});
  std::vector<std::shared_ptr<ReenactorTrainer>> trainers;
  const auto add = [&](Precision precision) {
    if (options.precision != "all" && options.precision != to_string(precision)) return;
    auto own = config;
    own.training.precision = precision == Precision::bf16 ? torch::kBFloat16 : torch::kFloat;
    const auto trainer = trainers.emplace_back(std::make_shared<ReenactorTrainer>(own, classes));
    contestants.push_back({"torch", to_string(precision), options.threads, 0, 0, 0, [&batch, trainer] {
                             training::keep_freed_memory();  // as reenact-train does
                             trainer->step(batch, 0);
                           }});
  };
  add(Precision::fp32);
  if (cpu::has_arithmetic(cpu::Arithmetic::bf16)) add(Precision::bf16);
  auto lines = compare("train", contestants, options.rounds);
  for (auto& line : lines) {
    line["model"] = options.model;
    line["batch"] = batch_size;
    line["classes"] = classes;
    line["samples_per_s"] = std::round(line["fps"].get<double>() * batch_size * 1000) / 1000;
  }
  return lines;
}

}  // namespace reenact::bench
