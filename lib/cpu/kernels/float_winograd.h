// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "cpu/kernels/kernel_types.h"

// Included by files compiled for special instruction sets: no headers with inline functions here.
namespace reenact::cpu {

/// One task of FloatWinogradConvolution: `tile_rows` times `tile_columns` tiles of four by four pixels, those of the last
/// row and column cut off at `rows` and `width`, or, after an upsampling, pixels of the small map, each of which becomes
/// two by two.
struct FloatWinogradRun {
  const float* source = nullptr;   ///< the row above the tiles' first one, [rows + 2, width, in_channels]
  const float* weights = nullptr;  ///< [out / block][product][in][block]
  float* sums = nullptr;           ///< [rows, width, out], or [output of a pixel][rows, width, out]
  float* transformed = nullptr;    ///< scratch: the maps that are multiplied
  std::ptrdiff_t transformed_stride = 0;  ///< floats from one of them to the next
  float* products = nullptr;              ///< scratch: 36 [group_tiles, block]; not used after an upsampling
  int group_tiles = 0;          ///< tiles that are transformed at once; not used after an upsampling
  const float* bias = nullptr;  ///< [out] added to the sums, or null; not after an upsampling
  bool rectify = false;         ///< whether sums below zero become zero; not after an upsampling
  int rows = 0;
  int width = 0;
  int tile_rows = 0;
  int tile_columns = 0;
  int in_channels = 0;   ///< a multiple of 16
  int out_channels = 0;  ///< a multiple of `block`
  int block = 0;         ///< output channels at a time: `widest_block`, or half of it
};

/// The kernels of one instruction set.
struct FloatWinogradKernels {
  void (*convolve)(const FloatWinogradRun& run);
  void (*convolve_upsampled)(const FloatWinogradRun& run);
  int widest_block = 0;
};

/// Null where there are none for that set: then oneDNN convolves.
const FloatWinogradKernels* float_winograd_kernels(InstructionSet set);

#if defined(__x86_64__)
// One translation unit each, compiled for its instruction set.
const FloatWinogradKernels& float_winograd_kernels_avx2();
const FloatWinogradKernels& float_winograd_kernels_avx512();
#elif defined(__aarch64__)
const FloatWinogradKernels& float_winograd_kernels_neon();
#endif

/// The points at which F(4x4, 3x3) evaluates its polynomials beside zero and infinity, plus and minus. The roots of 1/2
/// and 2 round sums about twice as much as a plain convolution does; the usual 1 and 2 round five times as much.
inline constexpr float winograd_near_point = 0.70710678118654752f, winograd_far_point = 1.41421356237309505f;

}  // namespace reenact::cpu
