// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "cpu/banded_convolution.h"
#include "cpu/kernels/instruction_set.h"
#include "reenact/config.h"
#include "reenact/engine.h"

namespace reenact::cpu {

/// The U-Net that tells the person from the background, batch normalisation folded into the convolutions.
class Segmenter : public reenact::Segmenter {
 public:
  static std::shared_ptr<const FoldedWeights> fold(const WeightSource& source, const SegmenterConfig& config);

  Segmenter(std::shared_ptr<const FoldedWeights> weights, const SegmenterConfig& config, int threads);

  std::string active_device() const override { return "cpu"; }
  std::string active_engine() const override { return engine_name(Arithmetic::f32); }
  /// The network alone: `input` [size, size, 3] in 0..1 to logits [size, size].
  void segment_floats(std::span<const float> input, std::span<float> logits);

 protected:
  cv::Mat do_segment(const cv::Mat& rgb) override;

 private:
  /// Two convolutions.
  struct Block {
    std::unique_ptr<BandedConvolution> first, second;
    FeatureMap in, middle, out;
  };
  Block make_block(const std::string& name, int size, int in_channels, int out_channels);
  void run_block(Block& block);
  void pool(const FeatureMap& in, FeatureMap& out);
  void upsample_and_join(const FeatureMap& small, const FeatureMap& skip, FeatureMap& out);

  std::shared_ptr<const FoldedWeights> weights_;
  SegmenterConfig config_;
  int threads_;
  std::vector<Block> down_, up_;
  std::vector<float> input_, logits_;
  cv::Mat scaled_, mask_;
};

}  // namespace reenact::cpu
