// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <vector>

#include "cpu/convolution.h"
#include "cpu/kernel_types.h"

namespace reenact::cpu {

/// A convolution of the generator, cut into tasks that threads take: bands of rows, blocks of output channels
/// and, when it follows a nearest-neighbour upsampling, the four phases of the output.
///
/// Upsampling by two and then convolving 3x3 equals four 2x2 convolutions of the small map, one for each
/// parity of the output's row and column: an output pixel sees two rows and two columns of the small map, and
/// the weights of taps that fall on the same small pixel add up. 16 instead of 36 multiplications a small
/// pixel.
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
  static Cut cut(const Geometry& geometry, Arithmetic arithmetic);

  struct Task {
    int band = 0;
    int phase = 0;  ///< 2 * row parity + column parity; 0 without upsampling
    int chunk = 0;
    int partial = 0;  ///< number of the part of the map this task makes
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
  int tasks() const { return parts() * (geometry_.out_channels / cut_.chunk_channels); }
  /// Parts of the map whose statistics are summed separately, so that the order of sums never depends on
  /// threads.
  int parts() const { return geometry_.height / cut_.band_rows * phases(); }
  Task task(int index) const;

  /// One for each of the two column parities; they differ in padding.
  std::span<const Convolution> convolutions() const { return convolutions_; }
  const Convolution& convolution(const Task& task) const {
    return convolutions_[convolutions_.size() == 2 ? task.phase % 2 : 0];
  }
  const PackedWeights& weights(const Task& task) const;
  /// From sums to values, [chunk_channels].
  const float* scale(const Task& task) const;
  /// First row of the zero-bordered input (height + 2 rows) that the task reads; without border for kernel 1.
  int first_row(const Task& task) const {
    return task.band * cut_.band_rows + (geometry_.upsample ? task.phase / 2 : 0);
  }
  std::size_t weight_bytes() const;

 private:
  Geometry geometry_;
  Cut cut_;
  Arithmetic arithmetic_;
  std::vector<Convolution> convolutions_;
  std::vector<PackedWeights> weights_;  // [phase][chunk]
  std::vector<float> scales_;           // [phase][out]
};

/// The weights [out, in, 2, 2] of one phase of a 3x3 convolution `weights` [out, in, 3, 3] after upsampling.
std::vector<float> phase_weights(std::span<const float> weights, int out_channels, int in_channels,
                                 int phase);

}  // namespace reenact::cpu
