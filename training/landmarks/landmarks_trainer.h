// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "torch/networks/landmark_network.h"
#include "training/landmarks/mesh_sampler.h"
#include "training/learning/loss_scaler.h"
#include "training/run/training_loop.h"

namespace reenact::training {

/// [data]
struct LandmarksDataSettings {
  std::filesystem::path folder;
  bool only_shippable = true;
  bool stills = true;
  int frame_step = 2;     ///< of the clips
  int stored_size = 256;  ///< side at which crops are kept in memory
  bool prefetch = true;   ///< draw the next batch in a second thread
};

/// [training]
struct LandmarksLearningSettings {
  int batch_size = 128;
  std::int64_t warm_up_steps = 200;
  double learning_rate = 2e-3, final_rate_share = 0.01, weight_decay = 1e-3;
  double dropout = 0;
  double expression_weight = 4, motion_weight = 2;  ///< of landmark_loss()
  double gradient_limit = 5;                        ///< norm of all gradients together, 0: none
  double weight_average = 0.998;
  torch::ScalarType precision = torch::kBFloat16;
};

/// Everything `reenact-train landmarks` can be told, section by section; configs/landmarks.toml explains the keys.
struct LandmarksTrainingConfig {
  LandmarksDataSettings data;
  LandmarksConfig network;
  bool half = true;  ///< network.half: store the weights as float16
  LandmarksLearningSettings training;
  MeshSampleOptions samples;
  int validation_frame_step = 4;  ///< validation.frame_step
  RunSchedule run{.steps = 5000};
};
/// Throws Error (invalid).
LandmarksTrainingConfig read_landmarks_config(const RunConfig& file);

/// Trains the network that finds face meshes in drawn and filmed heads.
class LandmarksTrainer : public TrainingTask {
 public:
  /// Reads the data. `seed` decides on every sample of every step.
  LandmarksTrainer(const LandmarksTrainingConfig& config, std::uint64_t seed,
                   const torch::Device& device = torch::kCPU);

  std::int64_t samples_per_step() const override { return config_.training.batch_size; }
  Update draw(std::int64_t step) override;
  bool draws_ahead() const override { return config_.data.prefetch; }
  void start() override;
  Figures validate() override;
  std::string deciding_metric() const override { return "accuracy"; }
  cv::Mat sheet() override;
  void save_to(Checkpoint& checkpoint) override;
  void restore_from(const Checkpoint& checkpoint) override;
  ModelKind kind() const override { return ModelKind::landmarks; }
  nlohmann::json network_config() const override;
  nlohmann::json data_description() const override;
  void write(const std::filesystem::path& path, const ModelInfo& info) override;

 private:
  struct Batch {
    torch::Tensor pictures, meshes;  ///< uint8 [B, S, S, 3], float32 [B, 478, 2]
  };
  Batch compose(std::int64_t step) const;
  Figures update(const Batch& batch, std::int64_t step);

  LandmarksTrainingConfig config_;
  std::uint64_t seed_;
  torch::Device device_;
  std::vector<HeadClip> clips_, strangers_;
  std::vector<const HeadFrame*> validation_;
  std::unique_ptr<MeshSampler> sampler_;
  LandmarkNetwork network_, average_;
  std::unique_ptr<torch::optim::AdamW> optimizer_;
  LossScaler scaler_;
};

}  // namespace reenact::training
