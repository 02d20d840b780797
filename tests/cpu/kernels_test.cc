// SPDX-License-Identifier: LGPL-2.1-or-later
// Each instruction set's kernels against formulas computed here in double, and the weights of upsampling
// phases.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "cpu/generator_layer.h"
#include "cpu/kernels/elementwise.h"
#include "cpu/kernels/instruction_set.h"

namespace reenact::test {
namespace {

using cpu::InstructionSet;

std::vector<InstructionSet> sets_here() {
  std::vector<InstructionSet> sets = {InstructionSet::plain};
  if (cpu::instruction_set() == InstructionSet::neon) sets.push_back(InstructionSet::neon);
  if (cpu::instruction_set() >= InstructionSet::avx2) sets.push_back(InstructionSet::avx2);
  if (cpu::instruction_set() >= InstructionSet::avx512) sets.push_back(InstructionSet::avx512);
  return sets;
}

class Kernels : public testing::TestWithParam<InstructionSet> {
 protected:
  const cpu::ElementwiseKernels& kernels() const { return cpu::elementwise_kernels(GetParam()); }
  std::vector<float> random(std::size_t count, float low, float high) {
    std::uniform_real_distribution<float> uniform(low, high);
    std::vector<float> values(count);
    for (float& value : values) value = uniform(engine_);
    return values;
  }
  std::mt19937 engine_{7};
};

float from_half(cpu::Half half) {
  const int exponent = (half.bits >> 10) & 31, fraction = half.bits & 1023;
  const double magnitude =
      exponent ? std::ldexp(1.0 + fraction / 1024.0, exponent - 15) : std::ldexp(fraction / 1024.0, -14);
  return static_cast<float>(half.bits & 0x8000 ? -magnitude : magnitude);
}

float from_bfloat16(cpu::Bfloat16 value) {
  const std::uint32_t bits = static_cast<std::uint32_t>(value.bits) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

// Channel counts with and without whole vectors.
constexpr int channel_counts[] = {1, 4, 8, 24, 48, 64, 72, 100};

TEST_P(Kernels, NormaliseClampsAndRounds) {
  for (int channels : channel_counts) {
    const int pixels = 5;
    const std::vector<float> in = random(pixels * channels, -2, 2), scale = random(channels, -100, 100),
                             shift = random(channels, -50, 200);
    std::vector<float> floats(in.size());
    std::vector<cpu::Bfloat16> narrow(in.size());
    std::vector<std::uint8_t> bytes(in.size());
    const auto& run = kernels().normalise[0];
    run[0](in.data(), floats.data(), scale.data(), shift.data(), pixels, channels);
    run[1](in.data(), narrow.data(), scale.data(), shift.data(), pixels, channels);
    run[2](in.data(), bytes.data(), scale.data(), shift.data(), pixels, channels);
    for (int i = 0; i < pixels * channels; ++i) {
      const int c = i % channels;
      const double wanted = std::max(0.0, static_cast<double>(in[i]) * scale[c] + shift[c]);
      ASSERT_NEAR(floats[i], wanted, 1e-4) << channels;
      ASSERT_NEAR(from_bfloat16(narrow[i]), wanted, wanted / 256 + 1e-4) << channels;
      ASSERT_NEAR(bytes[i], std::min(wanted, 255.0), 0.5001) << channels;
    }
  }
}

TEST_P(Kernels, RequantiseClampsAndRounds) {
  for (int channels : channel_counts) {
    const int pixels = 5;
    std::uniform_int_distribution<std::int32_t> integers(-100000, 100000);
    std::vector<std::int32_t> sums(pixels * channels);
    for (auto& value : sums) value = integers(engine_);
    const std::vector<float> scale = random(channels, -5e-3f, 5e-3f), shift = random(channels, -50, 50);
    std::vector<std::uint8_t> bytes(sums.size());
    kernels().requantise(sums.data(), bytes.data(), scale.data(), shift.data(), pixels, channels);
    for (int i = 0; i < pixels * channels; ++i) {
      const double steps = static_cast<double>(sums[i]) * scale[i % channels] + shift[i % channels];
      ASSERT_NEAR(bytes[i], std::clamp(steps, 0.0, 255.0), 0.5001) << channels;
    }
  }
}

TEST_P(Kernels, DepthwisePadsClampsAndRounds) {
  for (int channels : channel_counts) {
    for (int stride : {1, 2}) {
      for (int width : {1, 2, 5, 6}) {
        const int out_width = (width - 1) / stride + 1;
        std::vector<std::uint8_t> in(std::size_t{3} * width * channels),
            out(std::size_t(out_width) * channels);
        for (auto& value : in) value = static_cast<std::uint8_t>(engine_());
        const std::vector<float> weights = random(std::size_t{9} * channels, -0.3f, 0.5f),
                                 bias = random(channels, -100, 100);
        cpu::DepthwiseRow row;
        row.in = in.data();
        row.in_stride = width * channels;
        row.out = out.data();
        row.weights = weights.data();
        row.bias = bias.data();
        row.in_width = width;
        row.out_width = out_width;
        row.channels = channels;
        row.stride = stride;
        kernels().depthwise(row);
        for (int x = 0; x < out_width; ++x) {
          for (int c = 0; c < channels; ++c) {
            double wanted = bias[c];
            for (int i = 0; i < 9; ++i) {
              const int at = x * stride + i % 3 - 1;
              if (at >= 0 && at < width)
                wanted += double(in[(i / 3 * width + at) * channels + c]) * weights[i * channels + c];
            }
            ASSERT_NEAR(out[x * channels + c], std::clamp(wanted, 0.0, 255.0), 0.501)
                << channels << " channels, stride " << stride << ", width " << width;
          }
        }
      }
    }
  }
}

TEST_P(Kernels, StoreAddsSkipsAndSums) {
  for (int channels : channel_counts) {
    const int pixels = 6;
    std::uniform_int_distribution<std::int32_t> integers(-100000, 100000);
    std::vector<std::int32_t> sums(pixels * channels), skip(pixels / 2 * channels);
    for (auto& value : sums) value = integers(engine_);
    for (auto& value : skip) value = integers(engine_);
    const std::vector<float> scale = random(channels, 1e-5, 1e-4), skip_scale = random(channels, 1e-5, 1e-4),
                             bias = random(channels, -1, 1);
    std::vector<cpu::Half> out(2 * pixels * channels), unused(1);
    std::vector<float> sum(channels, 1.0f), squares(channels, 2.0f);
    cpu::StoreRun run;
    run.accumulator = sums.data();
    run.scale = scale.data();
    run.bias = bias.data();
    run.out = out.data();
    run.out_stride = 2 * channels;
    run.pixels = pixels;
    run.channels = channels;
    run.skip = skip.data();
    run.skip_scale = skip_scale.data();
    run.sum = sum.data();
    run.sum_of_squares = squares.data();
    kernels().store[1][1](run);
    for (int c = 0; c < channels; ++c) {
      double wanted_sum = 1, wanted_squares = 2;
      for (int pixel = 0; pixel < pixels; ++pixel) {
        const double wanted = static_cast<double>(sums[pixel * channels + c]) * scale[c] +
                              static_cast<double>(skip[pixel / 2 * channels + c]) * skip_scale[c] + bias[c];
        ASSERT_NEAR(from_half(out[pixel * 2 * channels + c]), wanted, std::abs(wanted) / 1024 + 1e-4);
        wanted_sum += wanted;
        wanted_squares += wanted * wanted;
      }
      ASSERT_NEAR(sum[c], wanted_sum, 1e-3);
      ASSERT_NEAR(squares[c], wanted_squares, 1e-3 * wanted_squares);
    }
  }
}

TEST_P(Kernels, StoreAddsTheResidual) {
  for (int channels : channel_counts) {
    const int pixels = 3;
    const std::vector<float> sums = random(pixels * channels, -1, 1),
                             residual = random(pixels * channels, -1, 1), scale(channels, 1.0f);
    std::vector<float> out(pixels * channels), sum(channels), squares(channels);
    cpu::StoreRun run;
    run.accumulator = sums.data();
    run.scale = scale.data();
    run.out = out.data();
    run.out_stride = channels;
    run.pixels = pixels;
    run.channels = channels;
    run.residual = residual.data();
    run.sum = sum.data();
    run.sum_of_squares = squares.data();
    kernels().store[0][0](run);
    for (int i = 0; i < pixels * channels; ++i) ASSERT_NEAR(out[i], sums[i] + residual[i], 1e-6);
  }
}

TEST_P(Kernels, ActivationIsTanh) {
  const int pixels = 37;
  const std::vector<float> in = random(pixels * 4, -12, 12), scale = {1, 0.5f, 0.01f, 2},
                           bias = {0, 1, 0.001f, -1};
  std::vector<float> out(in.size());
  kernels().activate[0](in.data(), scale.data(), bias.data(), out.data(), pixels);
  for (std::size_t i = 0; i < in.size(); ++i) {
    const double t = std::tanh(static_cast<double>(in[i]) * scale[i % 4] + bias[i % 4]);
    ASSERT_NEAR(out[i], i % 4 == 3 ? 0.5 * t + 0.5 : 0.75 * t + 0.5, 1e-6);
  }
}

TEST_P(Kernels, BytesAreRoundedAndClamped) {
  const std::vector<float> in = {-0.25f, 0.5f, 1.25f, 0.5f,   0.1f,   0.2f,
                                 0.3f,   1.0f, 1.0f,  0.999f, 0.001f, 0.25f};
  for (bool premultiply : {false, true}) {
    std::vector<std::uint8_t> out(in.size());
    kernels().to_rgba(in.data(), out.data(), 3, premultiply);
    for (std::size_t i = 0; i < in.size(); ++i) {
      const double value = premultiply && i % 4 != 3 ? static_cast<double>(in[i]) * in[i / 4 * 4 + 3] : in[i];
      const double bytes = std::clamp(value, 0.0, 1.0) * 255;
      ASSERT_NEAR(out[i], premultiply ? std::floor(bytes + 1e-4) : bytes, premultiply ? 0.0 : 0.5001)
          << i << (premultiply ? " premultiplied" : "");
    }
  }
}

TEST_P(Kernels, MatrixTimesVector) {
  for (int columns : {1, 7, 16, 100, 768}) {
    const int rows = 3;
    const std::vector<float> weights = random(rows * columns, -1, 1), x = random(columns, -1, 1),
                             bias = random(rows, -1, 1);
    std::vector<cpu::Half> halves(weights.size());
    kernels().float_to_half(weights.data(), halves.data(), weights.size());
    std::vector<float> y(rows), y_half(rows);
    kernels().multiply_f32(weights.data(), x.data(), bias.data(), y.data(), rows, columns);
    kernels().multiply_f16(halves.data(), x.data(), bias.data(), y_half.data(), rows, columns);
    for (int row = 0; row < rows; ++row) {
      double wanted = bias[row];
      for (int i = 0; i < columns; ++i) wanted += static_cast<double>(weights[row * columns + i]) * x[i];
      ASSERT_NEAR(y[row], wanted, 1e-4);
      ASSERT_NEAR(y_half[row], wanted, 0.02);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, Kernels, testing::ValuesIn(sets_here()),
                         [](const auto& info) { return cpu::to_string(info.param); });

TEST(PhaseWeights, EqualUpsamplingAndThenConvolving) {
  // One channel, 3x3 map, compared pixel by pixel with the definition.
  const std::vector<float> weights = {1, 2, 3, 5, 7, 11, 13, 17, 19};
  const float map[3][3] = {{1, -2, 4}, {8, 3, -5}, {2, 6, 9}};
  const auto small = [&](int y, int x) { return y < 0 || x < 0 || y > 2 || x > 2 ? 0.0f : map[y][x]; };
  for (int phase = 0; phase < 4; ++phase) {
    const std::vector<float> taps = cpu::phase_weights(weights, 1, 1, phase);
    const int py = phase / 2, px = phase % 2;
    for (int y = 0; y < 3; ++y) {
      for (int x = 0; x < 3; ++x) {
        float wanted = 0, found = 0;
        for (int ky = 0; ky < 3; ++ky) {
          for (int kx = 0; kx < 3; ++kx) {
            const int big_y = 2 * y + py + ky - 1, big_x = 2 * x + px + kx - 1;
            if (big_y >= 0 && big_y < 6 && big_x >= 0 && big_x < 6)
              wanted += weights[ky * 3 + kx] * map[big_y / 2][big_x / 2];
          }
        }
        for (int ty = 0; ty < 2; ++ty) {
          for (int tx = 0; tx < 2; ++tx) found += taps[ty * 2 + tx] * small(y - 1 + py + ty, x - 1 + px + tx);
        }
        EXPECT_FLOAT_EQ(found, wanted) << phase << ' ' << y << ' ' << x;
      }
    }
  }
}

}  // namespace
}  // namespace reenact::test
