// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "torch/networks/unet_segmenter.h"
#include "training/learning/averaged_network_task.h"
#include "training/segmenter/mask_sampler.h"

namespace reenact::training {

/// [data]
struct SegmenterDataSettings {
  std::filesystem::path folder;
  bool only_shippable = true;
  int frame_step = 4;     ///< of the clips
  int stored_size = 160;  ///< side at which crops are kept in memory
  bool prefetch = true;   ///< draw the next batch in a second thread
};

/// [training]
struct SegmenterLearningSettings {
  int batch_size = 24;
  std::int64_t warm_up_steps = 100;
  double learning_rate = 3e-3, final_rate_share = 0.01, weight_decay = 1e-4;
  double dice_weight = 1.0, weight_average = 0.998;
  torch::ScalarType precision = torch::kBFloat16;
};

/// Everything `reenact-train segmenter` can be told, section by section; configs/segmenter.toml explains the
/// keys.
struct SegmenterTrainingConfig {
  SegmenterDataSettings data;
  SegmenterConfig network = segmenter_preset("lite");
  bool half = true;  ///< network.half: store the weights as float16
  SegmenterLearningSettings training;
  MaskSampleOptions samples;
  RunSchedule run{.steps = 3000};
};
/// Throws Error (invalid).
SegmenterTrainingConfig read_segmenter_config(const RunConfig& file);

/// Binary cross-entropy against soft masks, and 1 - dice with squared sums; logits and masks [B, 1, S, S].
struct MaskLoss {
  torch::Tensor cross_entropy, dice;
};
MaskLoss mask_loss(const torch::Tensor& logits, const torch::Tensor& masks);

/// Trains the U-Net on head crops with masks.
class SegmenterTrainer : public AveragedNetworkTask {
 public:
  /// Reads the data. `seed` decides on every sample of every step.
  SegmenterTrainer(const SegmenterTrainingConfig& config, std::uint64_t seed,
                   const torch::Device& device = torch::kCPU);

  Update draw(std::int64_t step) override;
  Figures validate() override;
  cv::Mat sheet() override;
  nlohmann::json data_description() const override;

 private:
  struct Batch {
    torch::Tensor pictures, masks;
  };
  Batch compose(std::int64_t step) const;
  Figures update(const Batch& batch, std::int64_t step);
  void set_rate(std::int64_t step);

  SegmenterTrainingConfig config_;
  std::uint64_t seed_;
  std::vector<HeadClip> clips_, strangers_;
  std::vector<MaskSample> validation_;
  std::unique_ptr<MaskSampler> sampler_;
  UnetSegmenter network_, average_;
};

}  // namespace reenact::training
