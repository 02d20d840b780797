// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cpu/banded_convolution.h"
#include "reenact/config.h"
#include "reenact/engine.h"
#include "reenact/s3fd_postprocess.h"

namespace reenact::cpu {

/// S3FD (Zhang et al., ICCV 2017) with the layer names and the arithmetic of the face-alignment package. The
/// scales of its three channel normalisations are folded into the heads that follow them, and the two heads
/// of a scale are one convolution. Planned anew when the size of the pictures changes.
class Detector : public reenact::Detector {
 public:
  static std::shared_ptr<const FoldedWeights> fold(const WeightSource& source, const DetectorConfig& config);

  /// Sees what a convolution of the network's trunk gives out: its name, and the largest value. f32 only.
  using Observer = std::function<void(const std::string&, float)>;
  /// Names of the tensors `<layer>.output_max` [1] that int8 needs: the largest value that each convolution
  /// of the trunk gives out.
  static std::vector<std::string> range_names();

  /// `element` is f32, bf16, or int8 for weights that were folded with ranges: then the first two
  /// convolutions and the heads of normalised maps, which are few operations, remain fp32.
  Detector(std::shared_ptr<const FoldedWeights> weights, const DetectorConfig& config, Arithmetic element,
           int threads);

  std::string active_device() const override { return "cpu"; }
  std::string active_engine() const override;
  void set_observer(Observer observer) { observer_ = std::move(observer); }

  /// The network alone, for a picture already in the maps' order: fills and returns the six scales, finest
  /// first, valid until the next call. `input` [height, width, 3] as the network wants it.
  const std::vector<S3fdScale>& run(std::span<const float> input, int height, int width);

 protected:
  std::vector<FaceBox> do_detect(const cv::Mat& rgb, float score_threshold, float iou_threshold) override;

 private:
  enum class Kind { convolution, pooling, normalisation };
  struct Step {
    Kind kind = Kind::convolution;
    int in = 0, out = 0;  // maps
    std::string name;     // of a convolution
    std::unique_ptr<BandedConvolution> convolution;
  };

  void plan(int height, int width);
  int add_map(int height, int width, int channels, int border, Arithmetic element);
  int add_convolution(const std::string& name, int in, int channels, BandedConvolution::Options options,
                      Arithmetic out_element);
  void add_scale(const std::string& name, int in, int stride);
  /// Value of one step of what a convolution gives out.
  float step_after(const std::string& name) const;
  void pool(const FeatureMap& in, FeatureMap& out, float out_step);
  void normalise(const FeatureMap& in, FeatureMap& out);

  std::shared_ptr<const FoldedWeights> weights_;
  DetectorConfig config_;
  Arithmetic element_;
  int threads_;
  int height_ = 0, width_ = 0;
  std::vector<FeatureMap> maps_;
  std::vector<float> map_steps_;  // value of one step of each map, 1 unless it is int8
  std::vector<Step> steps_;
  std::vector<int> heads_;  // maps
  std::vector<std::vector<float>> planes_;
  std::vector<S3fdScale> scales_;
  std::vector<float> input_;
  Observer observer_;
};

}  // namespace reenact::cpu
