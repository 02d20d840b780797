// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "torch/networks/landmark_network.h"
#include "training/data/face_clips.h"
#include "training/landmarks/mesh_sampler.h"
#include "training/learning/averaged_network_task.h"

namespace reenact::training {

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
  FaceClipSettings data;
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
class LandmarksTrainer : public AveragedNetworkTask {
 public:
  /// Reads the data. `seed` decides on every sample of every step.
  LandmarksTrainer(const LandmarksTrainingConfig& config, std::uint64_t seed,
                   const torch::Device& device = torch::kCPU);

  Update draw(std::int64_t step) override;
  void start() override;
  Figures validate() override;
  cv::Mat sheet() override;
  nlohmann::json data_description() const override;

 private:
  struct Batch {
    torch::Tensor pictures, meshes;  ///< uint8 [B, S, S, 3], float32 [B, 478, 2]
  };
  Batch compose(std::int64_t step) const;
  Figures update(const Batch& batch, std::int64_t step);

  LandmarksTrainingConfig config_;
  std::uint64_t seed_;
  std::vector<HeadClip> clips_, strangers_;
  std::vector<const HeadFrame*> validation_;
  std::unique_ptr<MeshSampler> sampler_;
  LandmarkNetwork network_, average_;
};

}  // namespace reenact::training
