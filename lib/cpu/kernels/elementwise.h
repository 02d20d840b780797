// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/kernels/kernel_types.h"

namespace reenact::cpu {

/// One run of a convolution's sums on their way to storage. All maps are channels last.
struct StoreRun {
  const void* accumulator = nullptr;  ///< [pixels, channels], int32 or float
  const float* scale = nullptr;       ///< [channels] factor from sums to values
  const float* bias = nullptr;        ///< [channels] or null
  void* out = nullptr;                ///< first value; storage type
  std::ptrdiff_t out_stride = 0;      ///< elements from a pixel to the next
  int pixels = 0;
  int channels = 0;
  const void* residual = nullptr;  ///< added; storage type, laid out as `out`; or null
  const void* skip =
      nullptr;  ///< added; [ceil(pixels / 2), channels] sums, each used for two pixels; or null
  const float* skip_scale = nullptr;  ///< [channels]
  float* sum = nullptr;               ///< [channels] increased by the values
  float* sum_of_squares = nullptr;    ///< [channels]
};

/// One row of a depthwise 3x3 convolution between maps of bytes, padded by one zero to the left and the right.
struct DepthwiseRow {
  const std::uint8_t* in = nullptr;  ///< the uppermost of three rows [in_width, channels]
  std::ptrdiff_t in_stride = 0;      ///< bytes from one of them to the next
  std::uint8_t* out = nullptr;       ///< [out_width, channels]
  const float* weights = nullptr;    ///< [9][channels], in steps of the output for one of the input
  const float* bias = nullptr;       ///< [channels], in steps of the output
  int in_width = 0;
  int out_width = 0;  ///< half of in_width, rounded up, where the stride is 2
  int channels = 0;
  int stride = 1;  ///< 1 or 2
};

/// The elementwise work between convolutions, for one instruction set. Channels may be any number; multiples
/// of 16 are fastest. Values are rounded to nearest even; what does not fit saturates.
struct ElementwiseKernels {
  /// out = max(0, in * scale + shift), [pixels, channels] from storage to what a convolution multiplies.
  /// For int8 the result counts quantisation steps, rounded, in 0..255.
  using Normalise = void (*)(const void* in, void* out, const float* scale, const float* shift, int pixels,
                             int channels);
  Normalise normalise[storage_count][arithmetic_count];
  /// The same from sums in int32 to steps of int8.
  Normalise requantise;
  /// Negative results become 0, those above 255 become 255.
  void (*depthwise)(const DepthwiseRow& row);
  /// Conversion without arithmetic from storage to bf16 or float, for skips.
  using Convert = void (*)(const void* in, void* out, std::ptrdiff_t count);
  Convert to_bfloat16[storage_count];
  Convert to_float[storage_count];
  /// Indexed by whether sums are int32, then storage.
  using Store = void (*)(const StoreRun& run);
  Store store[2][storage_count];

  /// Head and mask from the last convolution, [pixels, 4]: tanh(sum * scale + bias), then 0.75 t + 0.5 for
  /// the colours and 0.5 t + 0.5 for the mask. Indexed by whether sums are int32. `out` may be the sums' own
  /// memory.
  using Activate = void (*)(const void* accumulator, const float* scale, const float* bias, float* out,
                            int pixels);
  Activate activate[2];
  /// The result of `activate` to RGBA bytes, clamped and rounded; where `premultiply`, colours times mask,
  /// clamped and truncated as the authors write their pictures.
  void (*to_rgba)(const float* in, std::uint8_t* out, int pixels, bool premultiply);

  /// y = weights x + bias for `rows` rows of `columns` floats or halves.
  void (*multiply_f32)(const float* weights, const float* x, const float* bias, float* y, int rows,
                       int columns);
  void (*multiply_f16)(const Half* weights, const float* x, const float* bias, float* y, int rows,
                       int columns);
  /// To binary16, saturating.
  void (*float_to_half)(const float* in, Half* out, std::ptrdiff_t count);
};

/// The kernels of one instruction set; those of a set that the CPU lacks must not be called.
const ElementwiseKernels& elementwise_kernels(InstructionSet set);

// One translation unit each, compiled for its instruction set.
const ElementwiseKernels& elementwise_kernels_plain();
#if defined(__x86_64__)
const ElementwiseKernels& elementwise_kernels_avx2();
const ElementwiseKernels& elementwise_kernels_avx512();
#elif defined(__aarch64__)
const ElementwiseKernels& elementwise_kernels_neon();
#endif

}  // namespace reenact::cpu
