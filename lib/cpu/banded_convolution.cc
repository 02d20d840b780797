// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/banded_convolution.h"

#include <algorithm>
#include <span>

#include "cpu/kernels/instruction_set.h"
#include "cpu/kernels/winograd.h"
#include "cpu/quantised_weights.h"
#include "cpu/worker_pool.h"

namespace reenact::cpu {
namespace {

// A band's output of this size stays in a core's second-level cache until the next layer reads it.
constexpr int band_bytes = 256 << 10;
// With fewer pixels in a band, loading the weights takes too large a part of the time. In fp32 multiplying takes longer.
constexpr int smallest_band_pixels = 64, smallest_float_band_pixels = 32;

// In smaller maps loading the transformed weights, four times as many as the weights, takes longer than multiplying.
constexpr int smallest_winograd_map = 32 * 32;

int rows_of_band(int rows, int width, int channels, Arithmetic arithmetic) {
  const int smallest = arithmetic == Arithmetic::f32 ? smallest_float_band_pixels : smallest_band_pixels;
  const int fitting = std::max(1, band_bytes / (width * channels * 4));
  const int useful = (smallest + width - 1) / width;
  // At least four bands where that does not make them too small, so that threads share the work.
  return std::clamp(std::min(fitting, (rows + 3) / 4), std::min(useful, rows), rows);
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
                                   : rows_of_band(out.height(), out.width(), out.channels(), in.element())) {
  if (make_winograd(weights, name, in, out, options)) return;
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
    const std::vector<float> steps(in.channels(), options.input_step);
    quantised =
        quantised_weights(weights.weights(name), out.channels(), steps, winograd_kernels().largest_weight);
    for (int o = 0; o < out.channels(); ++o) {
      bias.push_back(weights.bias(name)[o] / quantised.scales[o]);
      epilogue.output_scales.push_back(quantised.scales[o] / options.output_step);
    }
  }
  bands_.push_back(make_band(shape, in.element(), epilogue, band_rows_));
  if (rows_ % band_rows_) bands_.push_back(make_band(shape, in.element(), epilogue, rows_ % band_rows_));
  for (Band& band : bands_) {
    if (in.element() == Arithmetic::int8) {
      band.quantised = std::make_unique<const PackedWeights>(
          band.convolution.pack(std::span<const std::int8_t>(quantised.values), bias));
      band.weights = band.quantised.get();
    } else {
      band.weights = &weights.packed(name, band.convolution);
    }
  }
}

bool BandedConvolution::make_winograd(const FoldedWeights& weights, const std::string& name,
                                      const FeatureMap& in, const FeatureMap& out, const Options& options) {
  using Activation = ConvolutionEpilogue::Activation;
  const FloatWinogradKernels* kernels = float_winograd_kernels(instruction_set());
  if (!kernels || in.element() != Arithmetic::f32 || options.kernel != 3 || options.stride != 1 ||
      options.padding != 1 || options.depthwise || options.accumulate ||
      options.activation == Activation::relu6 || out.height() * out.width() < smallest_winograd_map) {
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
  winograd_ = std::make_unique<FloatWinogradConvolution>(shape, transformed, *kernels);
  epilogue_.bias = weights.bias(name).data();
  epilogue_.rectify = options.activation == Activation::relu;
  for (int i = 0; i < threads_; ++i) scratch_.emplace_back(winograd_->scratch_bytes());
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
  if (winograd_) {
    FloatWinogradConvolution::Epilogue epilogue = epilogue_;
    epilogue.rows = std::min(band_rows_, rows_ - band_index * band_rows_);
    winograd_->execute(reinterpret_cast<const float*>(in), reinterpret_cast<float*>(out),
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
                                 FeatureMap& out) {
  WorkerPool::shared().run(first.bands(), first.threads_, [&](int band, int slot) {
    const int row = band * first.band_rows_;
    first.run_band(band, slot, in.row(row * first.stride_ - first.padding_), first.kept_[slot].data());
    second.run_band(band, slot, first.kept_[slot].data(), out.row(row));
  });
}

}  // namespace reenact::cpu
