// SPDX-License-Identifier: LGPL-2.1-or-later
// Convolutions in fp32 with fewer multiplications, of every instruction set that this CPU has, against the definition,
// computed here in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <tuple>

#include "cpu/float_winograd_convolution.h"
#include "cpu/generator_layer.h"
#include "cpu/kernels/instruction_set.h"

namespace reenact::test {
namespace {

using cpu::AlignedBuffer;
using cpu::FloatWinogradConvolution;
using cpu::InstructionSet;
using Shape = FloatWinogradConvolution::Shape;

class FloatWinograd : public testing::TestWithParam<std::tuple<InstructionSet, Shape>> {
 protected:
  void SetUp() override {
    if (cpu::instruction_set() < std::get<0>(GetParam())) {
      GTEST_SKIP() << "this CPU has no " << to_string(std::get<0>(GetParam()));
    }
    kernels_ = cpu::float_winograd_kernels(std::get<0>(GetParam()));
    if (!kernels_) GTEST_SKIP() << "there are vector kernels for x86-64 alone";
    if (!FloatWinogradConvolution::supports(shape_, *kernels_)) GTEST_SKIP() << "no whole block of channels";
    std::normal_distribution<float> normal;
    weights_.resize(static_cast<std::size_t>(shape_.out_channels) * shape_.in_channels * 9);
    for (float& weight : weights_) weight = normal(random_);
    // A row of zeros above and below; after ReLU half of the values are zero. Nothing may be read behind them.
    map_ = AlignedBuffer(sizeof(float) * row_floats() * (shape_.rows + 2));
    for (std::size_t i = row_floats(); i < row_floats() * (shape_.rows + 1); ++i)
      map_.data<float>()[i] = std::max(normal(random_), 0.0f);
  }

  std::size_t row_floats() const { return static_cast<std::size_t>(shape_.width) * shape_.in_channels; }
  const float* map() const { return map_.data<float>(); }
  int factor() const { return shape_.upsample ? 2 : 1; }

  std::vector<float> sums(const FloatWinogradConvolution& convolution, const float* source) const {
    AlignedBuffer result(convolution.sums_bytes()), scratch(convolution.scratch_bytes());
    std::memset(scratch.data(), 0xff, scratch.size());  // not numbers
    convolution.execute(source, result.data<float>(), scratch.data());
    const auto* first = result.data<float>();
    return {first, first + result.size() / sizeof(float)};
  }

  // Output channel `out` at a pixel of the output.
  double wanted(int y, int x, int out) const {
    double sum = 0;
    for (int tap = 0; tap < 9; ++tap) {
      const int from_y = y + tap / 3 - 1, from_x = x + tap % 3 - 1;
      if (from_y < 0 || from_x < 0 || from_y >= shape_.rows * factor() || from_x >= shape_.width * factor())
        continue;
      const float* pixel =
          map() + row_floats() * (from_y / factor() + 1) + from_x / factor() * shape_.in_channels;
      const float* taps = weights_.data() + static_cast<std::size_t>(out) * shape_.in_channels * 9 + tap;
      for (int c = 0; c < shape_.in_channels; ++c) sum += static_cast<double>(taps[9 * c]) * pixel[c];
    }
    return sum;
  }

  // Where that is in the sums.
  std::size_t index(int y, int x, int out) const {
    const int parity = shape_.upsample ? y % 2 * 2 + x % 2 : 0;
    const std::size_t row = static_cast<std::size_t>(parity) * shape_.rows + y / factor();
    return (row * shape_.width + x / factor()) * shape_.out_channels + out;
  }

  const Shape shape_ = std::get<1>(GetParam());
  const cpu::FloatWinogradKernels* kernels_ = nullptr;
  std::mt19937 random_{3};
  std::vector<float> weights_;
  AlignedBuffer map_;
};

TEST_P(FloatWinograd, IsTheConvolution) {
  const std::vector<float> found = sums(FloatWinogradConvolution(shape_, weights_, *kernels_), map());
  ASSERT_EQ(found.size(),
            static_cast<std::size_t>(shape_.rows) * shape_.width * factor() * factor() * shape_.out_channels);
  double signal = 0, noise = 0, largest = 0;
  for (int y = 0; y < shape_.rows * factor(); ++y) {
    for (int x = 0; x < shape_.width * factor(); ++x) {
      for (int out = 0; out < shape_.out_channels; ++out) {
        const double value = wanted(y, x, out), error = found[index(y, x, out)] - value;
        signal += value * value;
        noise += error * error;
        largest = std::max(largest, std::abs(error));
      }
    }
  }
  const double decibels = 10 * std::log10(signal / noise);
  RecordProperty("snr", std::to_string(decibels));
  EXPECT_GT(decibels, 110);
  EXPECT_LT(largest, 3e-5 * std::sqrt(signal / found.size()));
}

TEST_P(FloatWinograd, AddsABiasAndRectifies) {
  if (shape_.upsample) return;  // nothing adds one there
  const FloatWinogradConvolution convolution(shape_, weights_, *kernels_);
  const std::vector<float> plain = sums(convolution, map());
  std::normal_distribution<float> normal(0, 30);
  std::vector<float> bias(shape_.out_channels);
  for (float& value : bias) value = normal(random_);
  AlignedBuffer found(convolution.sums_bytes()), scratch(convolution.scratch_bytes());
  for (const bool rectify : {false, true}) {
    convolution.execute(map(), found.data<float>(), scratch.data(), {bias.data(), rectify});
    for (std::size_t i = 0; i < plain.size(); ++i) {
      const float sum = plain[i] + bias[i % shape_.out_channels];
      ASSERT_EQ(found.data<float>()[i], rectify ? std::max(sum, 0.0f) : sum) << i;
    }
  }
}

TEST_P(FloatWinograd, BandsAndBlocksOfChannelsMakeTheWhole) {
  const std::vector<float> whole = sums(FloatWinogradConvolution(shape_, weights_, *kernels_), map());
  Shape band = shape_;
  band.rows = shape_.upsample ? 1 : 4;
  band.out_channels = kernels_->widest_block / 2;
  const std::size_t weights = static_cast<std::size_t>(shape_.in_channels) * 9, width = shape_.width;
  for (int first = 0; first < shape_.rows; first += band.rows) {
    if (first + band.rows > shape_.rows) band.rows = shape_.rows - first;
    for (int out = 0; out < shape_.out_channels; out += band.out_channels) {
      const FloatWinogradConvolution convolution(
          band, std::span(weights_).subspan(out * weights, band.out_channels * weights), *kernels_);
      const std::vector<float> part = sums(convolution, map() + first * row_floats());
      for (std::size_t i = 0; i < part.size(); ++i) {
        const std::size_t c = i % band.out_channels, x = i / band.out_channels % width,
                          y = i / band.out_channels / width % band.rows,
                          parity = i / band.out_channels / width / band.rows;
        const std::size_t at =
            ((parity * shape_.rows + first + y) * width + x) * shape_.out_channels + out + c;
        ASSERT_EQ(part[i], whole[at]) << first << ' ' << out << ' ' << i;
      }
    }
  }
}

TEST(FloatWinogradLayers, AreThoseOfFp32WithWholeTiles) {
  using cpu::Arithmetic;
  const bool here = cpu::float_winograd_kernels(cpu::instruction_set()) != nullptr;
  const auto uses = [](int size, int out, int kernel, bool upsample) {
    return cpu::GeneratorLayer::uses_winograd({size, size, 64, out, kernel, upsample}, Arithmetic::f32);
  };
  EXPECT_EQ(uses(32, 64, 3, false), here);
  EXPECT_EQ(uses(5, 64, 3, true), here);
  EXPECT_FALSE(uses(34, 64, 3, false));  // no whole tiles
  EXPECT_FALSE(uses(8, 64, 3, false));   // small
  EXPECT_FALSE(uses(32, 4, 3, false));   // no whole block of channels
  EXPECT_FALSE(uses(32, 64, 1, false));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, FloatWinograd,
    testing::Combine(testing::Values(InstructionSet::avx2, InstructionSet::avx512),
                     testing::Values(Shape{4, 4, 16, 16, false}, Shape{8, 12, 64, 32, false},
                                     Shape{4, 60, 48, 48, false}, Shape{16, 28, 192, 64, false},
                                     Shape{7, 9, 16, 16, false}, Shape{1, 1, 32, 32, false},
                                     Shape{10, 18, 64, 32, false}, Shape{6, 47, 32, 64, false},
                                     Shape{1, 1, 16, 16, true}, Shape{5, 7, 64, 32, true},
                                     Shape{3, 13, 112, 48, true}, Shape{4, 32, 192, 16, true})),
    [](const auto& info) {
      const Shape& shape = std::get<1>(info.param);
      return to_string(std::get<0>(info.param)) + "_" + std::to_string(shape.in_channels) + "to" +
             std::to_string(shape.out_channels) + "at" + std::to_string(shape.width) + "x" +
             std::to_string(shape.rows) + (shape.upsample ? "upsampled" : "");
    });

}  // namespace
}  // namespace reenact::test
