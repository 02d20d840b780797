// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cpu/aligned_buffer.h"
#include "cpu/kernels/winograd.h"

namespace reenact::cpu {

/// A 3x3 convolution in int8 with fewer multiplications: Winograd's F(2x2, 3x3) (Lavin and Gray, "Fast
/// algorithms for convolutional neural networks", 2016). In one dimension two outputs of inputs d0..d3 and
/// taps g0..g2 are
///
///     y0 = m0 + m1 + m2    m0 = (d0 - d2) g0    m1 = (d1 + d2) (g0 + g1 + g2) / 2
///     y1 = m1 - m2 - m3    m3 = (d1 - d3) g2    m2 = (d2 - d1) (g0 - g1 + g2) / 2
///
/// and in two dimensions 16 products for each channel replace 36. After a nearest-neighbour upsampling
/// d1 = d2, and m2 vanishes: 9 products for four outputs, where four 2x2 convolutions of the small map
/// take 16.
///
/// Inputs are u8 steps, and so are their transforms: sums and differences are halved in each dimension, but
/// differences of differences only once, which saturates where they leave +-256 steps. What keeps the range
/// of the others loses nothing on edges, and noise is least with the products' weights about as large as each
/// other. 128 is added to differences to make them unsigned, and what that adds is taken away from the sums.
/// All products of an output channel have the same scale, so that integers add up.
class WinogradConvolution {
 public:
  /// What one task makes.
  struct Shape {
    int rows = 0;   ///< of the input; even unless `upsample`
    int width = 0;  ///< of the input; even unless `upsample`
    int in_channels = 0;
    int out_channels = 0;
    bool upsample = false;  ///< the output is twice as high and wide
  };

  /// Whether this CPU has kernels for it that are faster than oneDNN's convolutions.
  static bool is_available();
  /// Whether the numbers fit the kernels.
  static bool supports(const Shape& shape);

  /// `weights` [out, in, 3, 3]; `input_steps` [in], the value of one step of each input channel. Runs on every
  /// CPU, also where is_available() is false.
  WinogradConvolution(const Shape& shape, std::span<const float> weights, std::span<const float> input_steps,
                      const WinogradKernels& kernels = winograd_kernels());

  std::size_t sums_bytes() const;
  std::size_t scratch_bytes() const;
  std::size_t weight_bytes() const { return weights_.size(); }
  /// [out] the value of one step of the sums.
  std::span<const float> scales() const { return scales_; }

  /// Runs in the calling thread and allocates nothing. `source` [rows + 2, width, in] begins a row above the
  /// task's. `sums` become [rows, width, out] or, after an upsampling, [4, rows, width, out] with index
  /// 2 * row parity + column parity. Both `sums` and `scratch` begin on a cache line.
  void execute(const std::uint8_t* source, std::int32_t* sums, std::byte* scratch) const;

 private:
  int tile_rows() const { return shape_.upsample ? shape_.rows : shape_.rows / 2; }
  int tile_columns() const { return shape_.upsample ? shape_.width : shape_.width / 2; }
  std::size_t transformed_stride() const;
  std::size_t transformed_bytes() const;
  void transform_weights(std::span<const float> weights, std::span<const float> input_steps);

  const WinogradKernels* kernels_;
  Shape shape_;
  int block_;
  std::vector<float> scales_;
  AlignedBuffer weights_;  // as WinogradRun wants them
  AlignedBuffer offsets_;
};

}  // namespace reenact::cpu
