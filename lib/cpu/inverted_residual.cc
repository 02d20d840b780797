// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/inverted_residual.h"

#include <algorithm>
#include <cstring>

#include "cpu/worker_pool.h"

namespace reenact::cpu {
namespace {

// Maps that are larger than this would go through memory.
constexpr std::size_t largest_whole_map = 1 << 20;
// Bands of this size stay in a core's second-level cache, with weights and output.
constexpr std::size_t band_bytes = 448 << 10;

int input_rows(int output_rows, int stride) {
  return (output_rows - 1) * stride + 3;
}

/// Output rows of bands that all have as many, and as many as fit.
int rows_of_bands(int rows, int stride, std::size_t hidden_row_bytes) {
  int result = 1;
  for (int candidate = 2; candidate <= rows / 4; ++candidate)
    if (rows % candidate == 0 && input_rows(candidate, stride) * hidden_row_bytes <= band_bytes)
      result = candidate;
  return result;
}

}  // namespace

InvertedResidual::InvertedResidual(const FoldedWeights& weights, const Layers& layers, const FeatureMap& in,
                                   const FeatureMap& out, int threads)
    : stride_(layers.stride), threads_(threads), residual_(layers.residual) {
  using Options = BandedConvolution::Options;
  constexpr auto relu6 = ConvolutionEpilogue::Activation::relu6;
  FeatureMap hidden(in.height(), in.width(), layers.hidden, 1, in.element());
  const FeatureMap filtered(out.height(), out.width(), layers.hidden, 0, in.element());
  hidden_row_bytes_ = hidden.row_bytes();
  Options depthwise{.stride = stride_, .depthwise = true, .activation = relu6};
  if (!layers.expand.empty()) {
    Options expand{.kernel = 1, .padding = 0, .activation = relu6};
    if (hidden.height() * hidden_row_bytes_ > largest_whole_map) {
      depthwise.band_rows = rows_of_bands(out.height(), stride_, hidden_row_bytes_);
      expand.band_rows = band_input_rows_ = input_rows(depthwise.band_rows, stride_);
      for (int i = 0; i < threads; ++i) kept_hidden_.emplace_back(hidden_row_bytes_ * band_input_rows_);
    }
    expand_.emplace(weights, layers.expand, in, hidden, expand, threads);
  }
  depthwise_.emplace(weights, layers.depthwise, hidden, filtered, depthwise, threads);
  project_.emplace(
      weights, layers.project, filtered, out,
      Options{.kernel = 1, .padding = 0, .accumulate = residual_, .band_rows = depthwise_->band_rows()},
      threads);
  for (int i = 0; i < threads; ++i) kept_.emplace_back(filtered.row_bytes() * depthwise_->band_rows());
  if (expand_ && band_input_rows_ == 0) hidden_ = std::move(hidden);
}

const std::byte* InvertedResidual::hidden_rows(const FeatureMap& in, int first, int slot) {
  const int top = first * stride_ - 1;
  if (!expand_) return in.row(top);
  if (band_input_rows_ == 0) return hidden_.row(top);
  std::byte* rows = kept_hidden_[slot].data();
  expand_->run_band(0, slot, in.row(top), rows);
  // What was made of the input's border is no padding.
  for (int i = 0; i < band_input_rows_; ++i)
    if (top + i < 0 || top + i >= in.height())
      std::memset(rows + i * hidden_row_bytes_, 0, hidden_row_bytes_);
  return rows;
}

void InvertedResidual::run(const FeatureMap& in, FeatureMap& out) {
  if (expand_ && band_input_rows_ == 0) expand_->run(in, hidden_);
  WorkerPool::shared().run(depthwise_->bands(), threads_, [&](int band, int slot) {
    const int first = band * depthwise_->band_rows(),
              rows = std::min(depthwise_->band_rows(), out.height() - first);
    std::byte* filtered = kept_[slot].data();
    depthwise_->run_band(band, slot, hidden_rows(in, first, slot), filtered);
    if (residual_) std::memcpy(out.row(first), in.row(first), rows * out.row_bytes());
    project_->run_band(band, slot, filtered, out.row(first));
  });
}

}  // namespace reenact::cpu
