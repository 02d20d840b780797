// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cpu/banded_convolution.h"

namespace reenact::cpu {

/// MobileNetV2's block (Sandler et al., CVPR 2018, figure 4): a 1x1 convolution to more channels, a depthwise 3x3
/// convolution, a 1x1 convolution to few channels, and the block's input added where it fits.
///
/// The depthwise convolution's output never leaves a thread's cache, nor does its input where that is larger than the cache:
/// bands of it are then computed as they are needed, the rows that two bands share twice. Belongs to one stream.
class InvertedResidual {
 public:
  struct Layers {
    std::string
        expand;  ///< of the folded weights, as are the others; empty: the block has no first convolution
    std::string depthwise, project;
    int hidden = 0;  ///< channels of the depthwise convolution
    int stride = 1;  ///< of the depthwise convolution
    bool residual = false;
  };

  /// `in`, with a border of at least one row, and `out` have the sizes of the maps that run() will get.
  InvertedResidual(const FoldedWeights& weights, const Layers& layers, const FeatureMap& in,
                   const FeatureMap& out, int threads);

  /// `out` is another map than `in`.
  void run(const FeatureMap& in, FeatureMap& out);

 private:
  /// The first row that the depthwise convolution reads for the output from row `first` on, in hidden_ or computed.
  const std::byte* hidden_rows(const FeatureMap& in, int first, int slot);

  int stride_, threads_;
  bool residual_;
  int band_input_rows_ =
      0;  // of whole bands of the depthwise convolution, where they are computed as they are needed
  std::optional<BandedConvolution> expand_;
  FeatureMap hidden_;  // empty where there is no expand_ or it is computed in bands
  std::optional<BandedConvolution> depthwise_, project_;
  std::size_t hidden_row_bytes_ = 0;
  std::vector<AlignedBuffer> kept_hidden_,
      kept_;  // [slot], a band's input and output of the depthwise convolution
};

}  // namespace reenact::cpu
