// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "torch/networks/iresnet.h"
#include "training/data/face_clips.h"
#include "training/learning/arcface.h"
#include "training/learning/averaged_network_task.h"
#include "training/recogniser/face_pairs.h"
#include "training/recogniser/face_sampler.h"

namespace reenact::training {

/// [training]
struct RecogniserLearningSettings {
  int batch_size = 256;
  std::int64_t warm_up_steps = 200, margin_warm_up_steps = 1000;
  double learning_rate = 1e-3, final_rate_share = 0.01, weight_decay = 0.05;
  double dropout = 0.3;             ///< before the fully connected layer
  double scale = 64, margin = 0.5;  ///< of the loss; the margin in radians
  double gradient_limit = 5;        ///< norm of all gradients together, 0: none
  double weight_average = 0.998;
  torch::ScalarType precision = torch::kBFloat16;
};

/// [validation]
struct RecogniserValidationSettings {
  int frame_step = 5;  ///< of the clips
  int least_gap = 20;  ///< frames between two of one clip that make a pair
};

/// Everything `reenact-train recogniser` can be told, section by section; configs/recogniser.toml explains the keys.
struct RecogniserTrainingConfig {
  FaceClipSettings data;
  RecogniserConfig network{.width = 0.5, .embedding_size = 256};
  bool half = true;  ///< network.half: store the weights as float16
  RecogniserLearningSettings training;
  FaceSampleOptions samples;
  RecogniserValidationSettings validation;
  RunSchedule run{.steps = 5000};
};
/// Throws Error (invalid).
RecogniserTrainingConfig read_recogniser_config(const RunConfig& file);

/// Trains a face recogniser with the additive angular margin loss on the people of clips and stills.
class RecogniserTrainer : public AveragedNetworkTask {
 public:
  /// Reads the data. `seed` decides on every sample of every step.
  RecogniserTrainer(const RecogniserTrainingConfig& config, std::uint64_t seed,
                    const torch::Device& device = torch::kCPU);

  Update draw(std::int64_t step) override;
  Figures validate() override;
  cv::Mat sheet() override;
  void save_to(Checkpoint& checkpoint) override;
  void restore_from(const Checkpoint& checkpoint) override;
  nlohmann::json data_description() const override;

 private:
  struct Batch {
    torch::Tensor faces, people;  ///< uint8 [B, S, S, 3], int64 [B]
  };
  Batch compose(std::int64_t step) const;
  Figures update(const Batch& batch, std::int64_t step);

  RecogniserTrainingConfig config_;
  std::uint64_t seed_;
  std::vector<HeadClip> clips_, strangers_;
  std::unique_ptr<FaceSampler> sampler_;
  ValidationFaces faces_;         ///< of the strangers
  std::vector<cv::Mat> changed_;  ///< the same faces, lit and degraded otherwise
  IResNet network_, average_;
  ArcFaceHead head_ = nullptr;
};

}  // namespace reenact::training
