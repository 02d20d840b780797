// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "cpu/convolution.h"
#include "cpu/float_winograd_convolution.h"
#include "cpu/kernels/kernel_types.h"
#include "cpu/winograd_convolution.h"

namespace reenact::cpu {

/// A convolution of the generator, cut into tasks that threads take: bands of rows, blocks of output channels
/// and, when it follows a nearest-neighbour upsampling, the four phases of the output.
///
/// Upsampling by two and then convolving 3x3 equals four 2x2 convolutions of the small map, one for each
/// parity of the output's row and column: an output pixel sees two rows and two columns of the small map, and
/// the weights of taps that fall on the same small pixel add up. 16 instead of 36 multiplications a small
/// pixel.
///
/// Where the CPU has kernels for it and the map is large enough, a WinogradConvolution in int8 takes the place of oneDNN
/// (16 multiplications for each four pixels of the output, or 9 after an upsampling), and a FloatWinogradConvolution in
/// fp32 (36 for each 16 pixels, or 9 for each four).
class GeneratorLayer {
 public:
  struct Geometry {
    int height = 0;  ///< of the input map
    int width = 0;
    int in_channels = 0;
    int out_channels = 0;
    int kernel = 3;         ///< 3 (zero padding 1) or 1
    bool upsample = false;  ///< kernel 3 only: the output is twice as high and wide
  };
  /// How the work is cut.
  struct Cut {
    int band_rows = 0;       ///< input rows a task; divides the height
    int chunk_channels = 0;  ///< output channels a task; divides the output channels
  };
  /// Whether such a layer runs as WinogradConvolution or FloatWinogradConvolution here.
  static bool uses_winograd(const Geometry& geometry, Arithmetic arithmetic);
  /// Multiplications for each pixel of the output and pair of an input and an output channel.
  static double products_a_pixel(const Geometry& geometry, Arithmetic arithmetic);
  static Cut cut(const Geometry& geometry, Arithmetic arithmetic);

  struct Task {
    int band = 0;
    int phase = 0;  ///< 2 * row parity + column parity; 0 without upsampling; the first of phases_a_task()
    int chunk = 0;
    int partial = 0;  ///< number of the part of the map this task makes
  };

  /// What one thread needs to run tasks.
  struct Workspace {
    std::vector<ConvolutionHandles> handles;
    std::byte* scratch = nullptr;
  };

  /// `weights` [out, in, kernel, kernel], spectral norm folded. `input_steps` [in]: for int8, the value of
  /// one quantisation step of each input channel; the steps are folded into the weights.
  GeneratorLayer(const Geometry& geometry, const Cut& cut, Arithmetic arithmetic,
                 std::span<const float> weights, std::span<const float> input_steps);

  const Geometry& geometry() const { return geometry_; }
  const Cut& cut() const { return cut_; }
  Arithmetic arithmetic() const { return arithmetic_; }
  bool sums_are_integers() const { return arithmetic_ == Arithmetic::int8; }
  int phases() const { return geometry_.upsample ? 4 : 1; }
  int phases_a_task() const { return winograd_.empty() && float_winograd_.empty() ? 1 : phases(); }
  int tasks() const { return parts() * (geometry_.out_channels / cut_.chunk_channels); }
  /// Parts of the map whose statistics are summed separately, so that the order of sums never depends on
  /// threads.
  int parts() const { return geometry_.height / cut_.band_rows * (phases() / phases_a_task()); }
  Task task(int index) const;

  std::size_t sums_bytes() const;     ///< of a task
  std::size_t scratch_bytes() const;  ///< for a Workspace, on a cache line
  Workspace workspace(std::byte* scratch) const;
  /// Runs a task in the calling thread. `map` is the input with a row of zeros above and below, [height + 2,
  /// width, in]; without them for kernel 1. `sums` become [phases_a_task(), band_rows, width,
  /// chunk_channels].
  void execute(const Task& task, Workspace& workspace, const std::byte* map, std::byte* sums) const;
  /// From sums to values, [chunk_channels].
  const float* scale(const Task& task) const;
  std::size_t weight_bytes() const;

 private:
  // There is one convolution for each of the two column parities; they differ in padding.
  int convolution_index(const Task& task) const { return convolutions_.size() == 2 ? task.phase % 2 : 0; }

  Geometry geometry_;
  Cut cut_;
  Arithmetic arithmetic_;
  std::vector<Convolution> convolutions_;
  std::vector<PackedWeights> weights_;                    // [phase][chunk]
  std::vector<WinogradConvolution> winograd_;             // [chunk], or empty
  std::vector<FloatWinogradConvolution> float_winograd_;  // [chunk], or empty
  std::vector<float> scales_;  // [phase][out]; [out] with winograd_ or float_winograd_
};

/// The weights [out, in, 2, 2] of one phase of a 3x3 convolution `weights` [out, in, 3, 3] after upsampling.
std::vector<float> phase_weights(std::span<const float> weights, int out_channels, int in_channels,
                                 int phase);

}  // namespace reenact::cpu
