// SPDX-License-Identifier: LGPL-2.1-or-later
// Convolutions with fewer multiplications: the plain kernels against the definition, computed here in double, and
// the vector kernels against the plain ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <string>

#include "cpu/generator_layer.h"
#include "cpu/kernels/instruction_set.h"
#include "cpu/winograd_convolution.h"
#include "saturating_winograd.h"

namespace reenact::test {
namespace {

using cpu::AlignedBuffer;
using cpu::WinogradConvolution;

struct VectorKernels {
  const char* name;
  const cpu::WinogradKernels* kernels;
};

// Those that this CPU runs, and the model of an instruction that every CPU runs.
std::vector<VectorKernels> vector_kernels() {
  std::vector<VectorKernels> result = {{"model of AVX2", &cpu::saturating_winograd_kernels()}};
#if defined(__x86_64__)
  using cpu::ByteInstructions;
  if (has(ByteInstructions::pairs)) result.push_back({"AVX2", &cpu::winograd_kernels_avx2()});
  if (has(ByteInstructions::avx_vnni)) result.push_back({"AVX-VNNI", &cpu::winograd_kernels_avx_vnni()});
  if (has(ByteInstructions::avx512_vnni))
    result.push_back({"AVX-512 VNNI", &cpu::winograd_kernels_avx512_vnni()});
#endif
  return result;
}

class Winograd : public testing::TestWithParam<WinogradConvolution::Shape> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WinogradConvolution::supports(shape_));
    std::normal_distribution<float> normal;
    weights_.resize(static_cast<std::size_t>(shape_.out_channels) * shape_.in_channels * 9);
    for (float& weight : weights_) weight = normal(random_);
    std::uniform_real_distribution<float> uniform(0.01f, 0.02f);
    steps_.resize(shape_.in_channels);
    for (float& step : steps_) step = uniform(random_);
    map_ = AlignedBuffer(row_bytes() * (shape_.rows + 2));
    // After ReLU: half of the values are zero.
    for (std::size_t i = row_bytes(); i < row_bytes() * (shape_.rows + 1); ++i) {
      pixels()[i] = static_cast<std::uint8_t>(std::clamp(normal(random_) * 60, 0.0f, 255.0f));
    }
  }

  std::size_t row_bytes() const { return static_cast<std::size_t>(shape_.width) * shape_.in_channels; }
  std::uint8_t* pixels() { return map_.data<std::uint8_t>(); }
  WinogradConvolution plain_convolution() const {
    return WinogradConvolution(shape_, weights_, steps_, cpu::winograd_kernels_plain());
  }
  int factor() const { return shape_.upsample ? 2 : 1; }

  std::vector<std::int32_t> sums(const WinogradConvolution& convolution, const std::uint8_t* source) {
    AlignedBuffer result(convolution.sums_bytes()), scratch(convolution.scratch_bytes());
    std::memset(scratch.data(), 0xa5, scratch.size());
    convolution.execute(source, result.data<std::int32_t>(), scratch.data());
    const auto* first = result.data<std::int32_t>();
    return {first, first + result.size() / sizeof(std::int32_t)};
  }

  // Output channel `out` at a pixel of the output.
  double wanted(int y, int x, int out) {
    double sum = 0;
    for (int tap = 0; tap < 9; ++tap) {
      const int from_y = y + tap / 3 - 1, from_x = x + tap % 3 - 1;
      if (from_y < 0 || from_x < 0 || from_y >= shape_.rows * factor() || from_x >= shape_.width * factor())
        continue;
      const std::uint8_t* pixel =
          pixels() + row_bytes() * (from_y / factor() + 1) + from_x / factor() * shape_.in_channels;
      const float* taps = weights_.data() + static_cast<std::size_t>(out) * shape_.in_channels * 9 + tap;
      for (int c = 0; c < shape_.in_channels; ++c)
        sum += static_cast<double>(taps[9 * c]) * steps_[c] * pixel[c];
    }
    return sum;
  }

  // Where that is in the sums.
  std::size_t index(int y, int x, int out) const {
    const int parity = shape_.upsample ? y % 2 * 2 + x % 2 : 0;
    const std::size_t row = static_cast<std::size_t>(parity) * shape_.rows + y / factor();
    return (row * shape_.width + x / factor()) * shape_.out_channels + out;
  }

  struct Comparison {
    double snr;            // dB
    double largest_error;  // over the root of the mean square of all
  };
  Comparison compare() {
    const WinogradConvolution convolution = plain_convolution();
    const std::vector<std::int32_t> found = sums(convolution, pixels());
    EXPECT_EQ(found.size(),
              row_bytes() / shape_.in_channels * shape_.rows * factor() * factor() * shape_.out_channels);
    double signal = 0, noise = 0, largest = 0;
    for (int y = 0; y < shape_.rows * factor(); ++y) {
      for (int x = 0; x < shape_.width * factor(); ++x) {
        for (int out = 0; out < shape_.out_channels; ++out) {
          const double value = wanted(y, x, out);
          const double error =
              found[index(y, x, out)] * static_cast<double>(convolution.scales()[out]) - value;
          signal += value * value;
          noise += error * error;
          largest = std::max(largest, std::abs(error));
        }
      }
    }
    return {10 * std::log10(signal / noise), largest / std::sqrt(noise / found.size())};
  }

  const WinogradConvolution::Shape shape_ = GetParam();
  std::mt19937 random_{3};
  std::vector<float> weights_, steps_;
  AlignedBuffer map_;
};

TEST_P(Winograd, IsTheConvolution) {
  const Comparison found = compare();
  RecordProperty("snr", std::to_string(found.snr));
  EXPECT_GT(found.snr, 27);
  // No pixel, at the border or elsewhere, is off by much more than the others.
  EXPECT_LT(found.largest_error, 10);
}

TEST_P(Winograd, LosesNothingOnEdges) {
  // Upright edges of full contrast in some channels, level ones in the others.
  for (int y = 0; y < shape_.rows; ++y) {
    for (int x = 0; x < shape_.width; ++x) {
      for (int c = 0; c < shape_.in_channels; ++c) {
        const int across = (c % 2 ? x : y) + c / 2;
        pixels()[(y + 1) * row_bytes() + x * shape_.in_channels + c] = across % 8 < 3 ? 255 : 0;
      }
    }
  }
  EXPECT_GT(compare().snr, 27);
}

TEST_P(Winograd, BandsAndBlocksOfChannelsMakeTheWhole) {
  const std::vector<std::int32_t> whole = sums(plain_convolution(), pixels());
  WinogradConvolution::Shape band = shape_;
  band.rows = 2;
  band.out_channels = 16;
  const std::size_t parities = factor() * factor(), width = shape_.width;
  for (int first = 0; first < shape_.rows; first += band.rows) {
    if (first + band.rows > shape_.rows) band.rows = shape_.rows - first;
    for (int out = 0; out < shape_.out_channels; out += band.out_channels) {
      const std::size_t weights = static_cast<std::size_t>(shape_.in_channels) * 9;
      const WinogradConvolution convolution(
          band, std::span(weights_).subspan(out * weights, band.out_channels * weights), steps_,
          cpu::winograd_kernels_plain());
      const std::vector<std::int32_t> part = sums(convolution, pixels() + first * row_bytes());
      for (std::size_t i = 0; i < part.size(); ++i) {
        const std::size_t c = i % band.out_channels, x = i / band.out_channels % width,
                          y = i / band.out_channels / width % band.rows,
                          parity = i / band.out_channels / width / band.rows;
        ASSERT_LT(parity, parities);
        const std::size_t at =
            ((parity * shape_.rows + first + y) * width + x) * shape_.out_channels + out + c;
        ASSERT_EQ(part[i], whole[at]) << first << ' ' << out << ' ' << i;
      }
    }
  }
}

TEST_P(Winograd, VectorKernelsGiveTheBitsOfThePlainOnes) {
  std::uniform_int_distribution<int> bytes(0, 255), coin(0, 1);
  const std::vector<std::uint8_t> after_relu(pixels(), pixels() + row_bytes() * (shape_.rows + 2));
  for (const VectorKernels& vector : vector_kernels()) {
    SCOPED_TRACE(vector.name);
    cpu::WinogradKernels plain_kernels = cpu::winograd_kernels_plain();
    plain_kernels.largest_weight = vector.kernels->largest_weight;
    std::copy(after_relu.begin(), after_relu.end(), pixels());
    const std::vector<float> weights = weights_;
    for (const bool extreme : {false, true}) {
      // Where all weights are the largest, plus or minus, sums of products are as large as they get.
      if (extreme) {
        for (float& weight : weights_) weight = coin(random_) ? 1.0f : -1.0f;
        std::fill_n(weights_.begin(), weights_.size() / 2, 1.0f);
      }
      const WinogradConvolution plain(shape_, weights_, steps_, plain_kernels),
          vectors(shape_, weights_, steps_, *vector.kernels);
      EXPECT_EQ(sums(plain, pixels()), sums(vectors, pixels()));
      // Any bytes, where differences of differences saturate, and the largest of all.
      for (std::size_t i = row_bytes(); i < row_bytes() * (shape_.rows + 1); ++i)
        pixels()[i] = static_cast<std::uint8_t>(bytes(random_));
      EXPECT_EQ(sums(plain, pixels()), sums(vectors, pixels()));
      for (std::size_t i = row_bytes(); i < row_bytes() * (shape_.rows + 1); ++i)
        pixels()[i] = coin(random_) ? 255 : 0;
      EXPECT_EQ(sums(plain, pixels()), sums(vectors, pixels()));
      std::fill_n(pixels() + row_bytes(), row_bytes() * shape_.rows, std::uint8_t{255});
      EXPECT_EQ(sums(plain, pixels()), sums(vectors, pixels()));
    }
    weights_ = weights;
  }
}

// The sums of one tile of an upsampling, its centre alone: products of `pixel` and the weights, alike for all channels.
std::vector<std::int32_t> centre_sums(const cpu::WinogradKernels& kernels,
                                      const std::array<std::uint8_t, 4>& pixel,
                                      const std::array<std::int8_t, 4>& taps) {
  constexpr int channels = 4, products = 9;
  AlignedBuffer weights(products * channels * 16), offsets(sizeof(std::int32_t) * 4 * 16),
      sums(sizeof(std::int32_t) * 4 * 16), maps(3 * 128);
  for (int i = 0; i < channels * 16; ++i) weights.data<std::int8_t>()[i] = taps[i % 4];
  std::vector<std::uint8_t> source(3 * channels, 0);
  std::copy(pixel.begin(), pixel.end(), source.begin() + channels);
  cpu::WinogradRun run;
  run.source = source.data();
  run.weights = weights.data<std::int8_t>();
  run.offsets = offsets.data<std::int32_t>();
  run.sums = sums.data<std::int32_t>();
  run.transformed = maps.data<std::uint8_t>();
  run.transformed_stride = 128;
  run.tile_rows = run.tile_columns = 1;
  run.in_channels = channels;
  run.out_channels = run.block = 16;
  kernels.convolve_upsampled(run);
  const auto* first = sums.data<std::int32_t>();
  return {first, first + 4 * 16};
}

TEST(WinogradKernels, DoNotSaturateWithTheirLargestWeights) {
  std::vector<VectorKernels> all = vector_kernels();
  all.push_back({"plain", &cpu::winograd_kernels_plain()});
  for (const VectorKernels& tried : all) {
    SCOPED_TRACE(tried.name);
    const int most = tried.kernels->largest_weight;
    // Every pair of weights at or beside an extreme, with every pair of such pixels, in the first two places and in the
    // last two.
    const int weights[] = {-most, 1 - most, -1, 0, 1, most - 1, most};
    const int pixels[] = {0, 1, 127, 128, 254, 255};
    for (int a : weights) {
      for (int b : weights) {
        for (int x : pixels) {
          for (int y : pixels) {
            const auto first = static_cast<std::int8_t>(a), second = static_cast<std::int8_t>(b);
            const auto third = static_cast<std::uint8_t>(x), fourth = static_cast<std::uint8_t>(y);
            const std::vector<std::int32_t> found =
                centre_sums(*tried.kernels, {third, fourth, fourth, third}, {first, second, first, second});
            ASSERT_EQ(found, std::vector<std::int32_t>(4 * 16, (a + b) * (x + y)))
                << a << ' ' << b << ' ' << x << ' ' << y;
          }
        }
      }
    }
  }
}

TEST(WinogradKernels, ModelOfAvx2SaturatesWhereWeightsAreTooLarge) {
  const std::vector<std::int32_t> found =
      centre_sums(cpu::saturating_winograd_kernels(), {255, 255, 255, 255}, {65, 65, 64, 64});
  EXPECT_EQ(found[0], 32767 + 2 * 255 * 64);
#if defined(__x86_64__)
  if (!has(cpu::ByteInstructions::pairs)) GTEST_SKIP() << "this CPU has no AVX2";
  EXPECT_EQ(centre_sums(cpu::winograd_kernels_avx2(), {255, 255, 255, 255}, {65, 65, 64, 64}), found);
#endif
}

TEST(WinogradLayers, AreThoseOfInt8WithWholeTiles) {
  using cpu::Arithmetic;
  const bool here = WinogradConvolution::is_available();
  const auto uses = [](int size, int out, int kernel, bool upsample, Arithmetic arithmetic) {
    return cpu::GeneratorLayer::uses_winograd({size, size, 64, out, kernel, upsample}, arithmetic);
  };
  EXPECT_EQ(uses(32, 64, 3, false, Arithmetic::int8), here);
  EXPECT_EQ(uses(5, 64, 3, true, Arithmetic::int8), here);
  EXPECT_FALSE(uses(33, 64, 3, false, Arithmetic::int8));  // odd
  EXPECT_FALSE(uses(8, 64, 3, false, Arithmetic::int8));   // small
  EXPECT_FALSE(uses(32, 4, 3, false, Arithmetic::int8));   // no whole block of channels
  EXPECT_FALSE(uses(32, 64, 1, false, Arithmetic::int8));
  EXPECT_FALSE(uses(32, 64, 3, false, Arithmetic::bf16));
  if (here) {
    EXPECT_TRUE(cpu::has_arithmetic(Arithmetic::int8));
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Winograd,
                         testing::Values(WinogradConvolution::Shape{4, 4, 16, 16, false},
                                         WinogradConvolution::Shape{6, 14, 64, 32, false},
                                         WinogradConvolution::Shape{8, 22, 100, 48, false},
                                         WinogradConvolution::Shape{2, 26, 192, 64, false},
                                         WinogradConvolution::Shape{1, 1, 16, 16, true},
                                         WinogradConvolution::Shape{5, 7, 64, 32, true},
                                         WinogradConvolution::Shape{3, 13, 100, 48, true},
                                         WinogradConvolution::Shape{4, 32, 192, 16, true}),
                         [](const auto& info) {
                           const WinogradConvolution::Shape& shape = info.param;
                           return std::to_string(shape.in_channels) + "to" +
                                  std::to_string(shape.out_channels) + "at" + std::to_string(shape.width) +
                                  "x" + std::to_string(shape.rows) + (shape.upsample ? "upsampled" : "");
                         });

}  // namespace
}  // namespace reenact::test
