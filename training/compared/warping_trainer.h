// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "reenact/config.h"
#include "torch/networks/fabnet.h"
#include "torch/networks/x2face.h"
#include "training/compared/clip_views.h"
#include "training/compared/loss_curriculum.h"
#include "training/data/face_clips.h"
#include "training/learning/averaged_network_task.h"

namespace reenact::training {

/// [training] of the networks that draw a frame by warping others of its clip.
struct WarpingLearningSettings {
  int batch_size = 16;
  int sources = 1;  ///< frames of the clip from which one more is drawn
  double learning_rate = 1e-3;
  double momentum = 0.9;  ///< of gradient descent; 0: AdamW in its place, for short runs
  double weight_average = 0.999;
  double jitter = 0;  ///< pictures are cut tighter by up to this share of the side
  int patience = 15;  ///< FAb-Net's curriculum: validations without progress before it goes on
  torch::ScalarType precision = torch::kFloat;
};

/// Everything `reenact-train x2face` or `fabnet` can be told; the defaults are those of the authors' scripts.
struct WarpingTrainingConfig {
  FaceClipSettings data;  ///< without stills, which have no second frame
  WarperConfig network;
  bool half = false;  ///< network.half: store the weights as float16
  WarpingLearningSettings training;
  RunSchedule run{.steps = 20000};
};
/// Throw Error (invalid).
WarpingTrainingConfig read_x2face_config(const RunConfig& file);
WarpingTrainingConfig read_fabnet_config(const RunConfig& file);

/// What the trainings of X2Face and FAb-Net have in common: L1 between a frame and what others of its clip show of it.
class WarpingTrainer : public AveragedNetworkTask {
 public:
  Update draw(std::int64_t step) override;
  Figures validate() override;
  cv::Mat sheet() override;
  nlohmann::json data_description() const override;

 protected:
  /// Reads the data; `network`: "x2face" or "fabnet".
  WarpingTrainer(TaskDescription description, const std::string& network, const WarpingTrainingConfig& config,
                 std::uint64_t seed, const torch::Device& device);
  /// The target as the sources show it, [B, 3, S, S], by the network that learns or its average.
  virtual torch::Tensor drawn(const ClipViews& views, bool average) = 0;
  virtual void set_training_mode() = 0;
  /// Of the samples' losses [B] the one to descend.
  virtual torch::Tensor loss_of(const torch::Tensor& losses) { return losses.mean(); }
  /// The optimiser that the configuration asks for.
  void optimize_as_told(const std::vector<torch::Tensor>& parameters);

  WarpingTrainingConfig config_;

 private:
  Figures update(const ClipViews& views, std::int64_t step);

  std::uint64_t seed_;
  std::vector<HeadClip> clips_, strangers_;
  std::unique_ptr<ClipViewSampler> sampler_;
  ClipViews validation_;
};

/// Trains X2Face; its model file is a warper.
class X2FaceTrainer : public WarpingTrainer {
 public:
  X2FaceTrainer(const WarpingTrainingConfig& config, std::uint64_t seed,
                const torch::Device& device = torch::kCPU);

 protected:
  torch::Tensor drawn(const ClipViews& views, bool average) override;
  void set_training_mode() override { network_->train(); }

 private:
  X2Face network_, average_;
};

/// Trains FAb-Net by its authors' curriculum; its model file is a reenactor that holds the encoder alone.
class FabNetTrainer : public WarpingTrainer {
 public:
  FabNetTrainer(const WarpingTrainingConfig& config, std::uint64_t seed,
                const torch::Device& device = torch::kCPU);
  Figures validate() override;
  JsonObject network_config() const override;
  void write(const std::filesystem::path& path, const ModelInfo& info) override;
  void save_to(Checkpoint& checkpoint) override;
  void restore_from(const Checkpoint& checkpoint) override;

 protected:
  torch::Tensor drawn(const ClipViews& views, bool average) override;
  void set_training_mode() override { network_->train(); }
  torch::Tensor loss_of(const torch::Tensor& losses) override { return curriculum_.mean_of(losses); }

 private:
  FabNet network_, average_;
  LossCurriculum curriculum_;
};

}  // namespace reenact::training
