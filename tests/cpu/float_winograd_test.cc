// SPDX-License-Identifier: LGPL-2.1-or-later
// Convolutions in fp32 with fewer multiplications, of every instruction set that this CPU has, against the definition,
// computed here in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <tuple>

#include "cpu/float_winograd_convolution.h"
#include "cpu/generator_layer.h"
#include "cpu/kernels/instruction_set.h"
#include "winograd_case.h"

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
    if (!kernels_) GTEST_SKIP() << "another architecture has them";
    if (!FloatWinogradConvolution::supports(shape_, *kernels_)) GTEST_SKIP() << "no whole block of channels";
    // After ReLU half of the values are zero.
    std::normal_distribution<float> normal;
    for (float& value : case_.values()) value = std::max(normal(case_.random()), 0.0f);
  }

  FloatWinogradConvolution convolution() {
    return FloatWinogradConvolution(shape_, case_.weights(), *kernels_);
  }
  std::vector<float> sums(const FloatWinogradConvolution& convolution) {
    return case_.sums(convolution, case_.map());
  }

  const Shape shape_ = std::get<1>(GetParam());
  const cpu::FloatWinogradKernels* kernels_ = nullptr;
  WinogradCase<float, float> case_{shape_};
};

TEST_P(FloatWinograd, IsTheConvolution) {
  const auto found = case_.compare(sums(convolution()), {}, [](int) { return 1.0; });
  RecordProperty("snr", std::to_string(found.snr));
  EXPECT_GT(found.snr, 110);
  EXPECT_LT(found.largest_error, 3e-5 * found.signal);
}

TEST_P(FloatWinograd, AddsABiasAndRectifies) {
  if (shape_.upsample) return;  // nothing adds one there
  const FloatWinogradConvolution convolution = this->convolution();
  const std::vector<float> plain = sums(convolution);
  std::normal_distribution<float> normal(0, 30);
  std::vector<float> bias(shape_.out_channels);
  for (float& value : bias) value = normal(case_.random());
  AlignedBuffer found(convolution.sums_bytes()), scratch(convolution.scratch_bytes());
  for (const bool rectify : {false, true}) {
    convolution.execute(case_.map(), found.data<float>(), scratch.data(), {bias.data(), rectify});
    for (std::size_t i = 0; i < plain.size(); ++i) {
      const float sum = plain[i] + bias[i % shape_.out_channels];
      ASSERT_EQ(found.data<float>()[i], rectify ? std::max(sum, 0.0f) : sum) << i;
    }
  }
}

TEST_P(FloatWinograd, BandsAndBlocksOfChannelsMakeTheWhole) {
  case_.expect_parts_make(sums(convolution()), shape_.upsample ? 1 : 4, kernels_->widest_block / 2,
                          [this](const Shape& shape, std::span<const float> weights) {
                            return FloatWinogradConvolution(shape, weights, *kernels_);
                          });
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
  EXPECT_FALSE(uses(32, 2, 3, false));   // no whole block of channels
  EXPECT_FALSE(uses(32, 64, 1, false));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, FloatWinograd,
    testing::Combine(testing::Values(InstructionSet::neon, InstructionSet::avx2, InstructionSet::avx512),
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
