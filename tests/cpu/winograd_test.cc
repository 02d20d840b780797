// SPDX-License-Identifier: LGPL-2.1-or-later
// Convolutions with fewer multiplications: the plain kernels against the definition, computed here in double, and
// the vector kernels against the plain ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>
#include <string>

#include "cpu/generator_layer.h"
#include "cpu/kernels/instruction_set.h"
#include "cpu/winograd_convolution.h"
#include "saturating_winograd.h"
#include "winograd_case.h"

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
  if (cpu::instruction_set() == cpu::InstructionSet::avx512)
    result.push_back({"AVX-512", &cpu::winograd_kernels_avx512()});
  if (has(ByteInstructions::avx512_vnni))
    result.push_back({"AVX-512 VNNI", &cpu::winograd_kernels_avx512_vnni()});
#elif defined(__aarch64__)
  if (has(cpu::ByteInstructions::neon_dot)) result.push_back({"NEON", &cpu::winograd_kernels_neon_dot()});
#endif
  return result;
}

class Winograd : public testing::TestWithParam<WinogradConvolution::Shape> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WinogradConvolution::supports(shape_));
    std::uniform_real_distribution<float> uniform(0.01f, 0.02f);
    steps_.resize(shape_.in_channels);
    for (float& step : steps_) step = uniform(case_.random());
    // After ReLU: half of the values are zero.
    std::normal_distribution<float> normal;
    for (std::uint8_t& pixel : case_.values())
      pixel = static_cast<std::uint8_t>(std::clamp(normal(case_.random()) * 60, 0.0f, 255.0f));
  }

  WinogradConvolution convolution(const cpu::WinogradKernels& kernels) {
    return WinogradConvolution(shape_, case_.weights(), steps_, kernels);
  }
  std::vector<std::int32_t> sums(const WinogradConvolution& convolution) {
    return case_.sums(convolution, case_.map());
  }
  auto compare() {
    const WinogradConvolution plain = convolution(cpu::winograd_kernels_plain());
    return case_.compare(sums(plain), steps_, [&](int out) { return plain.scales()[out]; });
  }

  const WinogradConvolution::Shape shape_ = GetParam();
  WinogradCase<std::uint8_t, std::int32_t> case_{shape_};
  std::vector<float> steps_;
};

TEST_P(Winograd, IsTheConvolution) {
  const auto found = compare();
  RecordProperty("snr", std::to_string(found.snr));
  EXPECT_GT(found.snr, 27);
  // No pixel, at the border or elsewhere, is off by much more than the others.
  EXPECT_LT(found.largest_error, 10 * found.noise);
}

TEST_P(Winograd, LosesNothingOnEdges) {
  // Upright edges of full contrast in some channels, level ones in the others.
  for (int y = 0; y < shape_.rows; ++y) {
    for (int x = 0; x < shape_.width; ++x) {
      for (int c = 0; c < shape_.in_channels; ++c) {
        const int across = (c % 2 ? x : y) + c / 2;
        case_.values()[y * case_.row_values() + x * shape_.in_channels + c] = across % 8 < 3 ? 255 : 0;
      }
    }
  }
  EXPECT_GT(compare().snr, 27);
}

TEST_P(Winograd, BandsAndBlocksOfChannelsMakeTheWhole) {
  case_.expect_parts_make(sums(convolution(cpu::winograd_kernels_plain())), 2, 16,
                          [this](const WinogradConvolution::Shape& shape, std::span<const float> weights) {
                            return WinogradConvolution(shape, weights, steps_, cpu::winograd_kernels_plain());
                          });
}

TEST_P(Winograd, VectorKernelsGiveTheBitsOfThePlainOnes) {
  std::uniform_int_distribution<int> bytes(0, 255), coin(0, 1);
  const std::span<std::uint8_t> pixels = case_.values();
  const std::vector<std::uint8_t> after_relu(pixels.begin(), pixels.end());
  for (const VectorKernels& vector : vector_kernels()) {
    SCOPED_TRACE(vector.name);
    cpu::WinogradKernels plain_kernels = cpu::winograd_kernels_plain();
    plain_kernels.largest_weight = vector.kernels->largest_weight;
    std::copy(after_relu.begin(), after_relu.end(), pixels.begin());
    const std::vector<float> before = case_.weights();
    for (const bool extreme : {false, true}) {
      // Where all weights are the largest, plus or minus, sums of products are as large as they get.
      if (extreme) {
        std::vector<float>& weights = case_.weights();
        for (float& weight : weights) weight = coin(case_.random()) ? 1.0f : -1.0f;
        std::fill_n(weights.begin(), weights.size() / 2, 1.0f);
      }
      const WinogradConvolution plain = convolution(plain_kernels), vectors = convolution(*vector.kernels);
      EXPECT_EQ(sums(plain), sums(vectors));
      // Any bytes, where differences of differences saturate, and the largest of all.
      for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(bytes(case_.random()));
      EXPECT_EQ(sums(plain), sums(vectors));
      for (std::uint8_t& pixel : pixels) pixel = coin(case_.random()) ? 255 : 0;
      EXPECT_EQ(sums(plain), sums(vectors));
      std::fill(pixels.begin(), pixels.end(), std::uint8_t{255});
      EXPECT_EQ(sums(plain), sums(vectors));
    }
    case_.weights() = before;
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
  std::fill_n(offsets.data<std::int32_t>(), 4 * 16,
              kernels.input_offset * std::accumulate(taps.begin(), taps.end(), 0));
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
