// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <span>
#include <vector>

#include "cpu/aligned_buffer.h"
#include "cpu/winograd_convolution.h"

namespace reenact::test {

/// A shape of a convolution with fewer multiplications, a map of `Value` with a row of zeros above and below, weights
/// [out, in, 3, 3], and the convolution's definition computed in double.
template <typename Value, typename Sum>
class WinogradCase {
 public:
  using Shape = cpu::WinogradConvolution::Shape;

  explicit WinogradCase(const Shape& shape)
      : shape_(shape),
        weights_(std::size_t{9} * shape.out_channels * shape.in_channels),
        // Nothing may be read behind the last row.
        map_(sizeof(Value) * row_values() * (shape.rows + 2)) {
    std::normal_distribution<float> normal;
    for (float& weight : weights_) weight = normal(random_);
  }

  const Shape& shape() const { return shape_; }
  std::mt19937& random() { return random_; }
  std::vector<float>& weights() { return weights_; }
  std::size_t row_values() const { return std::size_t{1} * shape_.width * shape_.in_channels; }
  /// From the row of zeros above on.
  Value* map() { return map_.template data<Value>(); }
  /// The values between the rows of zeros.
  std::span<Value> values() { return {map() + row_values(), row_values() * shape_.rows}; }
  int factor() const { return shape_.upsample ? 2 : 1; }

  /// What `convolution` makes of the map from `source` on; its scratch memory holds no numbers before.
  template <typename Convolution>
  std::vector<Sum> sums(const Convolution& convolution, const Value* source) const {
    cpu::AlignedBuffer result(convolution.sums_bytes()), scratch(convolution.scratch_bytes());
    std::memset(scratch.data(), 0xff, scratch.size());
    convolution.execute(source, result.data<Sum>(), scratch.data());
    const auto* first = result.data<Sum>();
    return {first, first + result.size() / sizeof(Sum)};
  }

  /// Output channel `out` at a pixel of the output, each input channel in steps of `steps`, or of 1 where that is empty.
  double wanted(int y, int x, int out, std::span<const float> steps = {}) {
    double sum = 0;
    for (int tap = 0; tap < 9; ++tap) {
      const int from_y = y + tap / 3 - 1, from_x = x + tap % 3 - 1;
      if (from_y < 0 || from_x < 0 || from_y >= shape_.rows * factor() || from_x >= shape_.width * factor())
        continue;
      const Value* pixel =
          map() + row_values() * (from_y / factor() + 1) + from_x / factor() * shape_.in_channels;
      const float* taps = weights_.data() + std::size_t{9} * out * shape_.in_channels + tap;
      for (int c = 0; c < shape_.in_channels; ++c)
        sum += static_cast<double>(taps[9 * c]) * (steps.empty() ? 1.0 : steps[c]) * pixel[c];
    }
    return sum;
  }

  /// How far sums are from the definition.
  struct Comparison {
    double snr = 0;            ///< dB
    double largest_error = 0;  ///< in the unit of the results
    double signal = 0;         ///< the root of the mean square of the results
    double noise = 0;          ///< and of the errors
  };
  Comparison compare(const std::vector<Sum>& found, std::span<const float> steps,
                     const std::function<double(int)>& scale) {
    EXPECT_EQ(found.size(),
              std::size_t{1} * shape_.rows * shape_.width * factor() * factor() * shape_.out_channels);
    Comparison result;
    for (int y = 0; y < shape_.rows * factor(); ++y) {
      for (int x = 0; x < shape_.width * factor(); ++x) {
        for (int out = 0; out < shape_.out_channels; ++out) {
          const double value = wanted(y, x, out, steps), error = found[index(y, x, out)] * scale(out) - value;
          result.signal += value * value;
          result.noise += error * error;
          result.largest_error = std::max(result.largest_error, std::abs(error));
        }
      }
    }
    result.snr = 10 * std::log10(result.signal / result.noise);
    result.signal = std::sqrt(result.signal / double(found.size()));
    result.noise = std::sqrt(result.noise / double(found.size()));
    return result;
  }

  /// Expects that bands of `rows` rows and blocks of `channels` output channels, which `make` makes a convolution for, give
  /// the same sums as the whole.
  template <typename Make>
  void expect_parts_make(const std::vector<Sum>& whole, int rows, int channels, Make&& make) {
    Shape band = shape_;
    band.rows = rows;
    band.out_channels = channels;
    const std::size_t weights = std::size_t{9} * shape_.in_channels, width = shape_.width;
    for (int first = 0; first < shape_.rows; first += band.rows) {
      if (first + band.rows > shape_.rows) band.rows = shape_.rows - first;
      for (int out = 0; out < shape_.out_channels; out += band.out_channels) {
        const std::vector<Sum> part =
            sums(make(band, std::span(weights_).subspan(out * weights, band.out_channels * weights)),
                 map() + first * row_values());
        for (std::size_t i = 0; i < part.size(); ++i) {
          const std::size_t c = i % band.out_channels, x = i / band.out_channels % width,
                            y = i / band.out_channels / width % band.rows,
                            parity = i / band.out_channels / width / band.rows;
          const std::size_t at =
              ((parity * shape_.rows + first + y) * width + x) * shape_.out_channels + out + c;
          ASSERT_LT(at, whole.size());
          ASSERT_EQ(part[i], whole[at]) << first << ' ' << out << ' ' << i;
        }
      }
    }
  }

 private:
  // Where a value of the output is in the sums.
  std::size_t index(int y, int x, int out) const {
    const int parity = shape_.upsample ? y % 2 * 2 + x % 2 : 0;
    const std::size_t row = std::size_t{1} * parity * shape_.rows + y / factor();
    return (row * shape_.width + x / factor()) * shape_.out_channels + out;
  }

  Shape shape_;
  std::mt19937 random_{3};
  std::vector<float> weights_;
  cpu::AlignedBuffer map_;
};

}  // namespace reenact::test
