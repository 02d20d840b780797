// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <vector>

#include "cpu/kernels/kernel_types.h"

namespace reenact::cpu {

/// Size of a convolution on maps stored channels last, batch 1.
struct ConvolutionShape {
  int in_height = 0;
  int in_width = 0;
  int in_channels = 0;
  int out_channels = 0;
  int kernel_height = 3;
  int kernel_width = 3;
  int stride = 1;
  int pad_top = 0;
  int pad_bottom = 0;
  int pad_left = 0;
  int pad_right = 0;
  bool depthwise = false;  ///< one group a channel

  int out_height() const { return (in_height + pad_top + pad_bottom - kernel_height) / stride + 1; }
  int out_width() const { return (in_width + pad_left + pad_right - kernel_width) / stride + 1; }
};

/// What follows the sums inside oneDNN.
struct ConvolutionEpilogue {
  enum class Activation { none, relu, relu6 };
  bool bias = false;
  Activation activation = Activation::none;
  bool accumulate = false;  ///< adds to what the output holds, before the activation
  bool narrow = false;      ///< bf16 output of a bf16 convolution; sums (float or int32) otherwise
  /// For int8: [out] factors of sums and bias, before the activation. The output is u8 when `narrow`, float
  /// otherwise.
  std::vector<float> output_scales;
};

/// Weights in the order that one convolution wants.
struct PackedWeights {
  dnnl::memory weights;
  dnnl::memory bias;  // empty without bias
};

/// What one thread needs to run a convolution: handles whose pointers are set before each run.
struct ConvolutionHandles {
  dnnl::stream stream;
  dnnl::memory source;
  dnnl::memory destination;
  dnnl::memory scratch;
};

/// One convolution of oneDNN with fixed size and number format; immutable, used by several threads at a time.
/// Without an epilogue the output is the sums: int32 for int8 (u8 maps, s8 weights), float otherwise.
class Convolution {
 public:
  /// Throws Error (unsupported) when oneDNN has no such convolution.
  Convolution(const ConvolutionShape& shape, Arithmetic arithmetic, const ConvolutionEpilogue& epilogue = {});

  const ConvolutionShape& shape() const { return shape_; }
  std::size_t source_bytes() const;
  std::size_t destination_bytes() const;
  std::size_t scratch_bytes() const { return descriptor_.scratchpad_desc().get_size(); }

  /// The order of packed weights.
  dnnl::memory::desc weights_order() const { return descriptor_.weights_desc(); }
  /// Weights [out, in, height, width] ([channels, 1, height, width] when depthwise); rounded to bf16 where
  /// that is used.
  PackedWeights pack(std::span<const float> weights, std::span<const float> bias = {}) const;
  /// The same for int8; a bias counts in steps of the sums.
  PackedWeights pack(std::span<const std::int8_t> weights, std::span<const float> bias = {}) const;

  /// Handles for a thread; `scratch` has scratch_bytes() and is the thread's own.
  ConvolutionHandles handles(void* scratch) const;
  /// Runs in the calling thread. Does not allocate, though oneDNN may.
  void execute(ConvolutionHandles& handles, const void* source, const PackedWeights& weights,
               void* destination) const;

 private:
  PackedWeights pack(const void* weights, dnnl::memory::data_type type, std::span<const float> bias) const;

  ConvolutionShape shape_;
  bool bias_;
  dnnl::convolution_forward::primitive_desc descriptor_;
  dnnl::convolution_forward primitive_;
};

/// oneDNN's object for the CPU (its `engine`), one for the process.
const dnnl::engine& onednn_engine();

}  // namespace reenact::cpu
