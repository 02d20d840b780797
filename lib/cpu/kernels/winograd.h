// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

// Included by a file compiled for a special instruction set: no headers with inline functions here.
namespace reenact::cpu {

/// One task of WinogradConvolution: `tile_rows` times `tile_columns` tiles of four outputs each. A tile is
/// two by two pixels of the map or, after an upsampling, what one pixel of the small map becomes.
struct WinogradRun {
  const std::uint8_t* source = nullptr;   ///< the row above the tiles' first one, [rows, width, in_channels]
  const std::int8_t* weights = nullptr;   ///< [out / block][product][in / 4][block][4]
  const std::int32_t* offsets = nullptr;  ///< [out / block][output of a tile][block], added to the sums
  std::int32_t* sums = nullptr;           ///< [rows, width, out], or [output of a tile][rows, width, out]
  std::uint8_t* transformed = nullptr;    ///< scratch: the maps that are multiplied
  std::ptrdiff_t transformed_stride = 0;  ///< bytes from one of them to the next
  std::int32_t* partial = nullptr;        ///< scratch: 8 [tiles, block]; not used after an upsampling
  int tile_rows = 0;
  int tile_columns = 0;
  int in_channels = 0;   ///< a multiple of 4
  int out_channels = 0;  ///< a multiple of `block`
  int block = 0;         ///< output channels at a time: 16 or 32
};

/// The kernels of one instruction set. All sets give the same bits for the same weights.
struct WinogradKernels {
  void (*convolve)(const WinogradRun& run);
  void (*convolve_upsampled)(const WinogradRun& run);
  int widest_block = 0;  ///< the most output channels at a time that stay in registers: 16 or 32
  /// The largest quantised weight whose products with unsigned bytes no sum on the way saturates: 127, or 64 where two are
  /// summed in 16 bits. Own kernels and oneDNN's alike are exact with it.
  int largest_weight = 0;
  /// What bytes of the maps lose on their way to the products; WinogradRun::offsets make up for it.
  int input_offset = 0;
};

/// The kernels for byte_instructions().
const WinogradKernels& winograd_kernels();

// One translation unit each, compiled for its instruction set. The plain ones are slower than any other way to
// convolve: they are what tests compare with, and what tests run where the CPU lacks the others.
const WinogradKernels& winograd_kernels_plain();
#if defined(__x86_64__)
const WinogradKernels& winograd_kernels_avx2();
const WinogradKernels& winograd_kernels_avx_vnni();
const WinogradKernels& winograd_kernels_avx512();
const WinogradKernels& winograd_kernels_avx512_vnni();
#elif defined(__aarch64__)
const WinogradKernels& winograd_kernels_neon_dot();
#endif

}  // namespace reenact::cpu
