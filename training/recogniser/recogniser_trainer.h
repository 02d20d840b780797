// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "torch/networks/iresnet.h"
#include "training/learning/arcface.h"
#include "training/learning/loss_scaler.h"
#include "training/recogniser/face_pairs.h"
#include "training/recogniser/face_sampler.h"
#include "training/run/training_loop.h"

namespace reenact::training {

/// [data]
struct RecogniserDataSettings {
  std::filesystem::path folder;
  bool only_shippable = true;
  bool stills = true;
  int frame_step = 2;     ///< of the clips
  int stored_size = 256;  ///< side at which crops are kept in memory
  bool prefetch = true;   ///< draw the next batch in a second thread
};

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
  RecogniserDataSettings data;
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
class RecogniserTrainer : public TrainingTask {
 public:
  /// Reads the data. `seed` decides on every sample of every step.
  RecogniserTrainer(const RecogniserTrainingConfig& config, std::uint64_t seed,
                    const torch::Device& device = torch::kCPU);

  std::int64_t samples_per_step() const override { return config_.training.batch_size; }
  Update draw(std::int64_t step) override;
  bool draws_ahead() const override { return config_.data.prefetch; }
  Figures validate() override;
  std::string deciding_metric() const override { return "changed_area_under_curve"; }
  cv::Mat sheet() override;
  void save_to(Checkpoint& checkpoint) override;
  void restore_from(const Checkpoint& checkpoint) override;
  ModelKind kind() const override { return ModelKind::recogniser; }
  nlohmann::json network_config() const override;
  nlohmann::json data_description() const override;
  void write(const std::filesystem::path& path, const ModelInfo& info) override;

 private:
  struct Batch {
    torch::Tensor faces, people;  ///< uint8 [B, S, S, 3], int64 [B]
  };
  Batch compose(std::int64_t step) const;
  Figures update(const Batch& batch, std::int64_t step);

  RecogniserTrainingConfig config_;
  std::uint64_t seed_;
  torch::Device device_;
  std::vector<HeadClip> clips_, strangers_;
  std::unique_ptr<FaceSampler> sampler_;
  ValidationFaces faces_;         ///< of the strangers
  std::vector<cv::Mat> changed_;  ///< the same faces, lit and degraded otherwise
  IResNet network_, average_;
  ArcFaceHead head_ = nullptr;
  std::unique_ptr<torch::optim::AdamW> optimizer_;
  LossScaler scaler_;
};

}  // namespace reenact::training
