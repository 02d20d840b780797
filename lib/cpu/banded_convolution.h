// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "cpu/depthwise_convolution.h"
#include "cpu/feature_map.h"
#include "cpu/float_winograd_convolution.h"
#include "cpu/folded_weights.h"
#include "cpu/winograd_convolution.h"

namespace reenact::cpu {

/// A convolution from one map to another of fixed size, cut into bands of rows that threads take. Belongs to
/// one stream. Where the CPU has kernels for it, 3x3 convolutions multiply less: in fp32 by FloatWinogradConvolution, in
/// int8, between maps of bytes with a ReLU after it, by WinogradConvolution. Depthwise ones between maps of bytes are a
/// DepthwiseConvolution, whose results end at 0 and at 255 steps.
class BandedConvolution {
 public:
  struct Options {
    int kernel = 3;
    int stride = 1;
    int padding = 1;  ///< on all sides; the input map's border must be at least as wide
    bool depthwise = false;
    ConvolutionEpilogue::Activation activation = ConvolutionEpilogue::Activation::none;
    bool accumulate = false;  ///< adds to what the output map holds
    int band_rows = 0;        ///< output rows of a band; 0: so many that their output stays in the cache
    /// For int8: the value of one step of each channel of the input and, if that is int8 as well, of the output; a
    /// single number holds for all channels.
    std::vector<float> input_steps = {1}, output_steps = {1};
    /// For int8 without padding: [in] the bytes that stand for 0; empty: 0.
    std::vector<float> input_zeros;
  };

  /// `in` and `out` have the sizes of the maps run() will get. The convolution computes in `in`'s elements.
  BandedConvolution(const FoldedWeights& weights, const std::string& name, const FeatureMap& in,
                    const FeatureMap& out, const Options& options, int threads);

  /// A map that gets another's floats as bytes.
  struct ByteCopy {
    FeatureMap* map = nullptr;
    std::vector<float> scale, shift;  ///< from values to bytes
  };

  void run(const FeatureMap& in, FeatureMap& out);
  /// Runs two convolutions of the same number of threads and bands, of which the second is 1x1 without stride: what the
  /// first makes of a band goes into a thread's own memory and from there into the second. `copy`, if any, gets the
  /// second's floats as bytes.
  static void run_both(BandedConvolution& first, BandedConvolution& second, const FeatureMap& in,
                       FeatureMap& out, const ByteCopy* copy = nullptr);
  /// Prepares this one for being the first in run_both().
  void keep_bands(const FeatureMap& out);

  int band_rows() const { return band_rows_; }

 private:
  struct Band {
    Convolution convolution;
    const PackedWeights* weights;
    std::unique_ptr<const PackedWeights> quantised;  // the weights, if they are int8 and not the first band's
    std::vector<ConvolutionHandles> handles;         // [slot]
  };
  Band make_band(ConvolutionShape shape, Arithmetic arithmetic, const ConvolutionEpilogue& epilogue,
                 int rows);
  int bands() const { return (rows_ + band_rows_ - 1) / band_rows_; }
  int rows_of(int band) const { return std::min(band_rows_, rows_ - band * band_rows_); }
  /// One band; `in` is its first row, that of the padding included.
  void run_band(int band, int slot, const std::byte* in, std::byte* out);
  /// Whether a FloatWinogradConvolution is made for all bands.
  bool make_float_winograd(const FoldedWeights& weights, const std::string& name, const FeatureMap& in,
                           const FeatureMap& out, const Options& options);
  /// Whether a DepthwiseConvolution is.
  bool make_byte_depthwise(const FoldedWeights& weights, const std::string& name, const FeatureMap& in,
                           const FeatureMap& out, const Options& options);
  /// Whether a WinogradConvolution is.
  bool make_byte_winograd(const FoldedWeights& weights, const std::string& name, const FeatureMap& in,
                          const FeatureMap& out, const Options& options);

  int stride_, padding_, threads_;
  int rows_, band_rows_;
  std::vector<AlignedBuffer> scratch_;  // of each handle; of each thread without bands_
  std::vector<Band> bands_;             // whole bands and, if rows are left over, the last one
  std::vector<AlignedBuffer> kept_;     // [slot] a band's output, after keep_bands()

  // In place of bands_, or null.
  std::unique_ptr<FloatWinogradConvolution> float_winograd_;
  FloatWinogradConvolution::Epilogue epilogue_;
  std::unique_ptr<DepthwiseConvolution> byte_depthwise_;
  std::unique_ptr<WinogradConvolution> byte_winograd_;
  std::vector<AlignedBuffer> sums_;      // [slot]
  std::vector<float> factors_, shifts_;  // [out] from sums to the output's steps
};

/// Size of a convolution's output along one axis.
inline int convolved_size(int size, int kernel, int stride, int padding) {
  return (size + 2 * padding - kernel) / stride + 1;
}

}  // namespace reenact::cpu
