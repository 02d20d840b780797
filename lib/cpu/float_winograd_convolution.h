// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "cpu/aligned_buffer.h"
#include "cpu/kernels/float_winograd.h"
#include "cpu/winograd_convolution.h"

namespace reenact::cpu {

/// A 3x3 convolution in fp32 with fewer multiplications: Winograd's F(4x4, 3x3), 36 products for 16 outputs in place of
/// 144, evaluated at points that keep rounding near that of a plain convolution; after a nearest-neighbour upsampling
/// the nine products of WinogradConvolution for four outputs. Tiles are transformed in groups that stay in a core's
/// second-level cache.
class FloatWinogradConvolution {
 public:
  using Shape = WinogradConvolution::Shape;

  /// Whether the numbers of channels fit the kernels; rows and width may be any.
  static bool supports(const Shape& shape, const FloatWinogradKernels& kernels);

  /// Weights [out, in, 3, 3] in the order that convolutions of these numbers of channels want.
  static AlignedBuffer transformed(std::span<const float> weights, int in_channels, int out_channels,
                                   bool upsample, const FloatWinogradKernels& kernels);

  /// `weights` from transformed(). The CPU must have what `kernels` are compiled for.
  FloatWinogradConvolution(const Shape& shape, std::shared_ptr<const AlignedBuffer> weights,
                           const FloatWinogradKernels& kernels);
  /// `weights` [out, in, 3, 3].
  FloatWinogradConvolution(const Shape& shape, std::span<const float> weights,
                           const FloatWinogradKernels& kernels);

  std::size_t sums_bytes() const;
  std::size_t scratch_bytes() const;
  std::size_t weight_bytes() const { return weights_->size(); }

  /// What is done beside convolving, without an upsampling alone.
  struct Epilogue {
    const float* bias = nullptr;  ///< [out] added, or null
    bool rectify = false;         ///< whether sums below zero become zero
    int rows = 0;                 ///< so many of the shape's rows are there; 0: all
  };
  /// As WinogradConvolution::execute(), with floats.
  void execute(const float* source, float* sums, std::byte* scratch, const Epilogue& epilogue) const;
  void execute(const float* source, float* sums, std::byte* scratch) const {
    execute(source, sums, scratch, {});
  }

 private:
  int tile_rows() const { return shape_.upsample ? shape_.rows : (shape_.rows + 3) / 4; }
  int tile_columns() const { return shape_.upsample ? shape_.width : (shape_.width + 3) / 4; }
  std::size_t transformed_stride() const;  // bytes
  std::size_t transformed_bytes() const;

  const FloatWinogradKernels* kernels_;
  Shape shape_;
  int block_;
  int group_tiles_;
  std::shared_ptr<const AlignedBuffer> weights_;  // as FloatWinogradRun wants them
};

}  // namespace reenact::cpu
