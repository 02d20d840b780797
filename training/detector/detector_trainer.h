// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "torch/networks/s3fd.h"
#include "training/detector/detector_config.h"
#include "training/detector/detector_evaluation.h"
#include "training/learning/averaged_network_task.h"

namespace reenact::training {

/// Trains S3FD on labelled pictures and on composed scenes.
class DetectorTrainer : public AveragedNetworkTask {
 public:
  /// Reads the data. `seed` decides on every scene of every step.
  DetectorTrainer(const DetectorTrainingConfig& config, std::uint64_t seed,
                  const torch::Device& device = torch::kCPU);

  Update draw(std::int64_t step) override;
  Figures validate() override;
  cv::Mat sheet() override;
  nlohmann::json data_description() const override;

 private:
  struct Batch {
    torch::Tensor pictures;  // [B, H, W, 3], bytes, RGB
    std::vector<AnchorTargets> targets;
  };
  Batch compose(std::int64_t step) const;
  Figures update(const Batch& batch, std::int64_t step);
  void set_rate(std::int64_t step);
  FaceSearch search();

  DetectorTrainingConfig config_;
  std::uint64_t seed_;
  std::map<std::string, int> sources_;
  std::vector<FacePicture> pictures_, validation_;
  std::map<std::string, int> head_counts_;
  std::vector<HeadCutout> heads_;
  std::unique_ptr<SceneComposer> composer_;
  std::map<int, std::vector<Anchor>> anchors_;  // by the size of the pictures
  S3fd network_, average_;
};

}  // namespace reenact::training
