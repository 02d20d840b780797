// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <string>

#include "reenact/model_file.h"
#include "torch/networks/encoders.h"
#include "torch/networks/generator.h"
#include "training/compared/compared_system.h"
#include "training/data/pose_input.h"
#include "training/learning/content_loss.h"
#include "training/personalise/personalise_config.h"
#include "training/personalise/pose_finder.h"

namespace reenact::training {

/// Every system whose model is a reenactor: people are learned as `personalise` does.
class ReenactorSystem : public ComparedSystem {
 public:
  explicit ReenactorSystem(const ComparedSystemOptions& options);

  void learn(const std::vector<HeadFrame>& pictures) override;
  cv::Mat draw(const HeadFrame& driver) override;
  std::vector<float> descriptor(const HeadFrame& picture) override;
  bool masked() const override { return masked_; }
  int image_size() const override { return config_.image_size; }
  cv::Rect2d shown() const override { return shown_part(config_); }
  void save(const std::filesystem::path& identity) const override;
  void load(const std::filesystem::path& identity) override;

 private:
  using Tensors = std::map<std::string, torch::Tensor>;

  /// The frame with what the model's poses are made of, as its pictures show it.
  HeadFrame ready(const HeadFrame& frame);
  /// The person whom these tensors, `gen.*` and `pose.*`, and this embedding [1, d_i] tell of.
  void take_person(Tensors tensors, const torch::Tensor& embedding);

  ComparedSystemOptions options_;
  std::shared_ptr<const ModelFile> model_;
  ReenactorConfig config_;
  PersonaliseConfig personalise_;
  PoseInput pose_input_;
  bool masked_;
  PoseFinder pose_finder_;
  PerceptualNetworks perceptual_;         // read when the first person is learned
  PoseEncoderNetwork model_pose_, pose_;  // the model's, and as it became while the person was learned
  HeadGenerator generator_;
  torch::Tensor embedding_;  // [1, d_i]; undefined before anybody was learned
  Tensors person_;           // gen.* and pose.*
};

}  // namespace reenact::training
