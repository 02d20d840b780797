// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "cpu/banded_convolution.h"
#include "reenact/config.h"
#include "reenact/engine.h"
#include "reenact/s3fd_postprocess.h"

namespace reenact::cpu {

/// S3FD (Zhang et al., ICCV 2017) with the layer names and the arithmetic of the face-alignment package. The
/// scales of its three channel normalisations are folded into the heads that follow them, and the two heads
/// of a scale are one convolution. Planned anew when the size of the pictures changes.
class CpuDetector : public Detector {
 public:
  static std::shared_ptr<const FoldedWeights> fold(const WeightSource& source, const DetectorConfig& config);

  /// `element` is f32 or bf16.
  CpuDetector(std::shared_ptr<const FoldedWeights> weights, const DetectorConfig& config, Arithmetic element,
              int threads);

  std::string active_device() const override { return "cpu"; }
  std::string active_engine() const override {
    return element_ == Arithmetic::f32 ? "onednn fp32" : "onednn bf16";
  }
  std::vector<FaceBox> detect(const cv::Mat& rgb, float score_threshold, float iou_threshold) override;

  /// The network alone, for a picture already in the maps' order: fills and returns the six scales, finest
  /// first, valid until the next call. `input` [height, width, 3] as the network wants it.
  const std::vector<S3fdScale>& run(std::span<const float> input, int height, int width);

 private:
  enum class Kind { convolution, pooling, normalisation };
  struct Step {
    Kind kind = Kind::convolution;
    int in = 0, out = 0;  // maps
    std::unique_ptr<BandedConvolution> convolution;
  };

  void plan(int height, int width);
  int add_map(int height, int width, int channels, int border, Arithmetic element);
  int add_convolution(const std::string& name, int in, int channels,
                      const BandedConvolution::Options& options, Arithmetic out_element);
  void add_scale(const std::string& name, int in, int stride);
  void pool(const FeatureMap& in, FeatureMap& out);
  void normalise(const FeatureMap& in, FeatureMap& out);

  std::shared_ptr<const FoldedWeights> weights_;
  DetectorConfig config_;
  Arithmetic element_;
  int threads_;
  int height_ = 0, width_ = 0;
  std::vector<FeatureMap> maps_;
  std::vector<Step> steps_;
  std::vector<int> heads_;  // maps
  std::vector<std::vector<float>> planes_;
  std::vector<S3fdScale> scales_;
  std::vector<float> input_;
};

}  // namespace reenact::cpu
