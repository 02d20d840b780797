// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "torch/networks/x2face.h"
#include "training/compared/compared_system.h"

namespace reenact::training {

/// X2Face as the paper runs it: nothing is optimised, a person is up to 8 of their pictures with the background.
class X2FaceSystem : public ComparedSystem {
 public:
  explicit X2FaceSystem(const ComparedSystemOptions& options);
  void learn(const std::vector<HeadFrame>& pictures) override;
  cv::Mat draw(const HeadFrame& driver) override;
  std::vector<float> descriptor(const HeadFrame& picture) override;
  bool masked() const override { return false; }
  int image_size() const override { return config_.image_size; }
  cv::Rect2d shown() const override { return {1.0 / 9, 1.0 / 9, 7.0 / 9, 7.0 / 9}; }
  void save(const std::filesystem::path& identity) const override;
  void load(const std::filesystem::path& identity) override;

 private:
  torch::Tensor picture(const HeadFrame& frame) const;
  void take_sources(std::vector<cv::Mat> sources);

  ComparedSystemOptions options_;
  WarperConfig config_;
  X2Face network_;
  X2FaceEncoder encoder_;
  std::vector<cv::Mat> sources_;  // RGB CV_8UC3, as the network sees them
  torch::Tensor face_;            // [1, 3, S, S], of all sources
};

}  // namespace reenact::training
