// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/banded_convolution.h"

#include <algorithm>
#include <span>

#include "cpu/kernels/instruction_set.h"
#include "cpu/quantised_weights.h"
#include "cpu/worker_pool.h"

namespace reenact::cpu {
namespace {

// A band's output of this size stays in a core's second-level cache until the next layer reads it.
constexpr int band_bytes = 256 << 10;
// With fewer pixels in a band, loading the weights takes too large a part of the time.
constexpr int smallest_band_pixels = 64;

int rows_of_band(int rows, int width, int channels) {
  const int fitting = std::max(1, band_bytes / (width * channels * 4));
  const int useful = (smallest_band_pixels + width - 1) / width;
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
      band_rows_(rows_of_band(out.height(), out.width(), out.channels())) {
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
        quantised_weights(weights.weights(name), out.channels(), steps, largest_weight(byte_instructions()));
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

void BandedConvolution::run(const FeatureMap& in, FeatureMap& out) {
  const int whole = rows_ / band_rows_;
  WorkerPool::shared().run(whole + (rows_ % band_rows_ ? 1 : 0), threads_, [&](int task, int slot) {
    Band& band = bands_[task < whole ? 0 : 1];
    const int first = task * band_rows_;
    band.convolution.execute(band.handles[slot], in.row(first * stride_ - padding_), *band.weights,
                             out.row(first));
  });
}

}  // namespace reenact::cpu
