// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "cpu/banded_convolution.h"
#include "cpu/kernels/elementwise.h"
#include "cpu/kernels/instruction_set.h"
#include "reenact/config.h"
#include "reenact/engine.h"

namespace reenact::cpu {

/// MobileNetV2 (Sandler et al., CVPR 2018) with torchvision's layout and names, batch normalisation folded
/// into the convolutions.
class PoseEncoder : public reenact::PoseEncoder {
 public:
  /// The folded convolutions of `prefix` ("pose.") in a model file.
  static std::shared_ptr<const FoldedWeights> fold(const WeightSource& source, const ReenactorConfig& config);

  /// In int8 the bytes' ranges come from the batch normalisations' parameters; depthwise weights, and the sums of blocks,
  /// remain floats.
  PoseEncoder(std::shared_ptr<const FoldedWeights> weights, const ReenactorConfig& config, Arithmetic element,
              int threads);

  std::string active_device() const override { return "cpu"; }
  std::string active_engine() const override { return engine_name(element_); }
  int image_size() const override { return config_.image_size; }
  int embedding_size() const override { return config_.pose_embedding_size; }
  /// The network alone: `input` [size, size, 3] in 0..1, `pose` [d_p].
  void encode_floats(std::span<const float> input, std::span<float> pose);

 protected:
  void do_encode(const cv::Mat& rgb, std::span<float> pose) override;

 private:
  /// From the first map to the pose.
  void encode_map(std::span<float> pose);

  // One convolution, or a depthwise one and the 1x1 that follows it, band by band.
  struct Step {
    BandedConvolution convolution;
    int in, out;  // maps
    std::unique_ptr<BandedConvolution> next;
    BandedConvolution::ByteCopy copy;  // of next's output, in int8
  };

  std::shared_ptr<const FoldedWeights> weights_;
  ReenactorConfig config_;
  Arithmetic element_;
  int threads_;
  const ElementwiseKernels* kernels_;
  std::deque<FeatureMap> maps_;  // steps point into it
  std::vector<Step> steps_;
  cv::Mat scaled_;
  std::vector<float> input_, row_, mean_;
};

}  // namespace reenact::cpu
