// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/banded_convolution.h"

#include <algorithm>
#include <span>

#include "cpu/kernels/elementwise.h"
#include "cpu/kernels/instruction_set.h"
#include "cpu/kernels/winograd.h"
#include "cpu/quantised_weights.h"
#include "cpu/worker_pool.h"

namespace reenact::cpu {
namespace {

// A band's output of this size stays in a core's second-level cache until the next layer reads it.
constexpr int band_bytes = 256 << 10;
// With fewer pixels in a band, loading the weights takes too large a part of the time.
constexpr int smallest_band_pixels = 32;

// In smaller maps loading the transformed weights, four times as many as the weights, takes longer than multiplying.
constexpr int smallest_float_winograd_map = 32 * 32, smallest_byte_winograd_map = 16 * 16;

// Bytes of a WinogradConvolution's maps and sums that should stay in the cache, and the fewest tiles in a band.
constexpr std::size_t byte_winograd_budget = 256 << 10;
constexpr int smallest_byte_winograd_tiles = 32;

int rows_of_band(int rows, int width, int channels) {
  const int fitting = std::max(1, band_bytes / (width * channels * 4));
  const int useful = (smallest_band_pixels + width - 1) / width;
  // At least four bands where that does not make them too small, so that threads share the work.
  return std::clamp(std::min(fitting, (rows + 3) / 4), std::min(useful, rows), rows);
}

/// Whether it is a convolution that both kinds of Winograd's can do.
bool is_plain_3x3(const BandedConvolution::Options& options) {
  return options.kernel == 3 && options.stride == 1 && options.padding == 1 && !options.depthwise &&
         !options.accumulate;
}

/// One step for each channel, of a list that may have a single one for all.
std::vector<float> for_channels(const std::vector<float>& steps, int channels) {
  return steps.size() == 1 ? std::vector<float>(channels, steps.front()) : steps;
}

/// Bias in steps of the sums, less what the bytes that stand for 0 add to them.
std::vector<float> int8_bias(const std::vector<float>& bias, const QuantisedWeights& weights,
                             const std::vector<float>& input_zeros) {
  std::vector<float> result;
  const std::size_t row = weights.values.size() / bias.size();
  for (std::size_t o = 0; o < bias.size(); ++o) {
    double zeros = 0;
    if (!input_zeros.empty()) {
      const std::size_t taps = row / input_zeros.size();
      for (std::size_t i = 0; i < row; ++i)
        zeros += double(weights.values[o * row + i]) * input_zeros[i / taps];
    }
    result.push_back(static_cast<float>(bias[o] / weights.scales[o] - zeros));
  }
  return result;
}

/// Rows of a band, an even divisor of the shape's.
int rows_of_byte_winograd_band(const WinogradConvolution::Shape& shape) {
  const int columns = shape.width / 2;
  const auto fits = [&](int tile_rows) {
    const std::size_t bytes =
        std::size_t{16} * (shape.in_channels + shape.out_channels) * columns * tile_rows;
    return tile_rows * columns <= smallest_byte_winograd_tiles || bytes <= byte_winograd_budget;
  };
  int best = 1;
  for (int tile_rows = 1; tile_rows <= shape.rows / 8; ++tile_rows)
    if (shape.rows / 2 % tile_rows == 0 && fits(tile_rows)) best = tile_rows;
  return 2 * best;
}

}  // namespace

BandedConvolution::BandedConvolution(const FoldedWeights& weights, const std::string& name,
                                     const FeatureMap& in, const FeatureMap& out, const Options& options,
                                     int threads)
    : stride_(options.stride),
      padding_(options.padding),
      threads_(threads),
      rows_(out.height()),
      band_rows_(options.band_rows ? options.band_rows
                                   : rows_of_band(out.height(), out.width(), out.channels())) {
  if (make_float_winograd(weights, name, in, out, options)) return;
  if (make_byte_depthwise(weights, name, in, out, options)) return;
  if (make_byte_winograd(weights, name, in, out, options)) return;
  ConvolutionShape shape;
  shape.in_width = in.width();
  shape.in_channels = in.channels();
  shape.out_channels = out.channels();
  shape.kernel_height = shape.kernel_width = options.kernel;
  shape.stride = options.stride;
  shape.pad_left = options.padding;
  // What the stride leaves over on the right needs no padding.
  shape.pad_right = (out.width() - 1) * options.stride + options.kernel - options.padding - in.width();
  shape.depthwise = options.depthwise;
  ConvolutionEpilogue epilogue;
  epilogue.bias = true;
  epilogue.activation = options.activation;
  epilogue.accumulate = options.accumulate;
  epilogue.narrow = out.element() != Arithmetic::f32;
  QuantisedWeights quantised;
  std::vector<float> bias;
  if (in.element() == Arithmetic::int8) {
    quantised = quantised_weights(weights.weights(name), out.channels(),
                                  for_channels(options.input_steps, in.channels()),
                                  winograd_kernels().largest_weight);
    bias = int8_bias(weights.bias(name), quantised, options.input_zeros);
    const std::vector<float> output_steps = for_channels(options.output_steps, out.channels());
    for (int o = 0; o < out.channels(); ++o)
      epilogue.output_scales.push_back(quantised.scales[o] / output_steps[o]);
  }
  bands_.push_back(make_band(shape, in.element(), epilogue, band_rows_));
  if (rows_ % band_rows_) bands_.push_back(make_band(shape, in.element(), epilogue, rows_ % band_rows_));
  for (Band& band : bands_) {
    const Band& first = bands_.front();
    if (in.element() != Arithmetic::int8) {
      band.weights = &weights.packed(name, band.convolution);
    } else if (first.weights && first.convolution.weights_order() == band.convolution.weights_order()) {
      band.weights = first.weights;
    } else {
      band.quantised = std::make_unique<const PackedWeights>(
          band.convolution.pack(std::span<const std::int8_t>(quantised.values), bias));
      band.weights = band.quantised.get();
    }
  }
}

bool BandedConvolution::make_float_winograd(const FoldedWeights& weights, const std::string& name,
                                            const FeatureMap& in, const FeatureMap& out,
                                            const Options& options) {
  using Activation = ConvolutionEpilogue::Activation;
  const FloatWinogradKernels* kernels = float_winograd_kernels(instruction_set());
  if (!kernels || in.element() != Arithmetic::f32 || !is_plain_3x3(options) ||
      options.activation == Activation::relu6 || out.height() * out.width() < smallest_float_winograd_map) {
    return false;
  }
  // Whole tiles of four rows.
  const int rows = (band_rows_ + 3) / 4 * 4;
  const FloatWinogradConvolution::Shape shape{rows, out.width(), in.channels(), out.channels(), false};
  if (!FloatWinogradConvolution::supports(shape, *kernels)) return false;
  band_rows_ = rows;
  const auto transformed = weights.arranged(name, kernels, [&](std::span<const float> values) {
    return FloatWinogradConvolution::transformed(values, in.channels(), out.channels(), false, *kernels);
  });
  float_winograd_ = std::make_unique<FloatWinogradConvolution>(shape, transformed, *kernels);
  epilogue_.bias = weights.bias(name).data();
  epilogue_.rectify = options.activation == Activation::relu;
  for (int i = 0; i < threads_; ++i) scratch_.emplace_back(float_winograd_->scratch_bytes());
  return true;
}

bool BandedConvolution::make_byte_winograd(const FoldedWeights& weights, const std::string& name,
                                           const FeatureMap& in, const FeatureMap& out,
                                           const Options& options) {
  if (in.element() != Arithmetic::int8 || out.element() != Arithmetic::int8 || !is_plain_3x3(options) ||
      options.activation != ConvolutionEpilogue::Activation::relu ||
      out.height() * out.width() < smallest_byte_winograd_map || !WinogradConvolution::is_available()) {
    return false;
  }
  WinogradConvolution::Shape shape{rows_, out.width(), in.channels(), out.channels(), false};
  if (!WinogradConvolution::supports(shape)) return false;
  shape.rows = rows_of_byte_winograd_band(shape);
  band_rows_ = shape.rows;
  byte_winograd_ = std::make_unique<WinogradConvolution>(shape, weights.weights(name),
                                                         for_channels(options.input_steps, in.channels()));
  const std::vector<float> output_steps = for_channels(options.output_steps, out.channels());
  for (int o = 0; o < out.channels(); ++o) {
    factors_.push_back(byte_winograd_->scales()[o] / output_steps[o]);
    shifts_.push_back(weights.bias(name)[o] / output_steps[o]);
  }
  for (int i = 0; i < threads_; ++i) {
    scratch_.emplace_back(byte_winograd_->scratch_bytes());
    sums_.emplace_back(byte_winograd_->sums_bytes());
  }
  return true;
}

bool BandedConvolution::make_byte_depthwise(const FoldedWeights& weights, const std::string& name,
                                            const FeatureMap& in, const FeatureMap& out,
                                            const Options& options) {
  if (in.element() != Arithmetic::int8 || out.element() != Arithmetic::int8 || !options.depthwise)
    return false;
  const DepthwiseConvolution::Shape shape{in.width(), in.channels(), options.stride};
  byte_depthwise_ = std::make_unique<DepthwiseConvolution>(
      shape, weights.weights(name), weights.bias(name), for_channels(options.input_steps, in.channels()),
      for_channels(options.output_steps, out.channels()));
  return true;
}

BandedConvolution::Band BandedConvolution::make_band(ConvolutionShape shape, Arithmetic arithmetic,
                                                     const ConvolutionEpilogue& epilogue, int rows) {
  shape.in_height = (rows - 1) * shape.stride + shape.kernel_height;
  Band band{Convolution(shape, arithmetic, epilogue), nullptr, nullptr, {}};
  for (int i = 0; i < threads_; ++i) {
    scratch_.emplace_back(band.convolution.scratch_bytes());
    band.handles.push_back(band.convolution.handles(scratch_.back().data()));
  }
  return band;
}

void BandedConvolution::run_band(int band_index, int slot, const std::byte* in, std::byte* out) {
  if (byte_depthwise_) {
    byte_depthwise_->execute(reinterpret_cast<const std::uint8_t*>(in), reinterpret_cast<std::uint8_t*>(out),
                             rows_of(band_index));
    return;
  }
  if (byte_winograd_) {
    std::int32_t* sums = sums_[slot].data<std::int32_t>();
    byte_winograd_->execute(reinterpret_cast<const std::uint8_t*>(in), sums, scratch_[slot].data());
    const int channels = static_cast<int>(factors_.size());
    const auto pixels = static_cast<int>(byte_winograd_->sums_bytes() / sizeof(std::int32_t) / channels);
    elementwise_kernels(instruction_set())
        .requantise(sums, out, factors_.data(), shifts_.data(), pixels, channels);
    return;
  }
  if (float_winograd_) {
    FloatWinogradConvolution::Epilogue epilogue = epilogue_;
    epilogue.rows = rows_of(band_index);
    float_winograd_->execute(reinterpret_cast<const float*>(in), reinterpret_cast<float*>(out),
                             scratch_[slot].data(), epilogue);
    return;
  }
  Band& band = bands_[band_index < rows_ / band_rows_ ? 0 : 1];
  band.convolution.execute(band.handles[slot], in, *band.weights, out);
}

void BandedConvolution::run(const FeatureMap& in, FeatureMap& out) {
  WorkerPool::shared().run(bands(), threads_, [&](int band, int slot) {
    const int first = band * band_rows_;
    run_band(band, slot, in.row(first * stride_ - padding_), out.row(first));
  });
}

void BandedConvolution::keep_bands(const FeatureMap& out) {
  for (int i = 0; i < threads_; ++i) kept_.emplace_back(out.row_bytes() * band_rows_);
}

void BandedConvolution::run_both(BandedConvolution& first, BandedConvolution& second, const FeatureMap& in,
                                 FeatureMap& out, const ByteCopy* copy) {
  const auto& to_bytes = elementwise_kernels(instruction_set())
                             .normalise[static_cast<int>(Storage::f32)][static_cast<int>(Arithmetic::int8)];
  WorkerPool::shared().run(first.bands(), first.threads_, [&](int band, int slot) {
    const int row = band * first.band_rows_;
    first.run_band(band, slot, in.row(row * first.stride_ - first.padding_), first.kept_[slot].data());
    second.run_band(band, slot, first.kept_[slot].data(), out.row(row));
    if (copy) {
      to_bytes(out.row(row), copy->map->row(row), copy->scale.data(), copy->shift.data(),
               second.rows_of(band) * out.width(), out.channels());
    }
  });
}

}  // namespace reenact::cpu
