// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/kernels/tile_groups.h"

// Written once for all instruction sets: the including file chooses the vectors of 16 integers and those of bytes by
// including a simd_bytes_*.h before. Nothing here may call a function that other translation units share, or the linker
// could keep the wrong copy. Loops over registers are unrolled in full, or their arrays would live in memory.
namespace reenact::cpu {
namespace {

// Sums of [tiles] pixels and 16 * vectors channels.
template <int tiles, int vectors>
struct Sums {
  Vector value[tiles * vectors + 1];  // GCC 12 would leave an array of five in memory
};

template <int tiles, int vectors>
[[gnu::always_inline]] inline void clear(Sums<tiles, vectors>& sums) {
#pragma GCC unroll 12
  for (int i = 0; i < tiles * vectors; ++i) sums.value[i] = zero();
}

// sums += map [tiles, channels] times weights [channels / 4][16 * vectors][4].
template <int tiles, int vectors>
[[gnu::always_inline]] inline void accumulate(Sums<tiles, vectors>& sums, const std::uint8_t* map,
                                              const std::int8_t* weights, std::ptrdiff_t channels) {
  for (std::ptrdiff_t c = 0; c < channels; c += 4, map += 4, weights += 64 * vectors) {
    Vector w[vectors];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) w[v] = load(weights + 64 * v);
#pragma GCC unroll 6
    for (int t = 0; t < tiles; ++t) {
      const Vector x = broadcast_four(map + t * channels);
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) multiply_add(sums.value[t * vectors + v], x, w[v]);
    }
  }
}

// (a + b, a - b)
template <int tiles, int vectors>
[[gnu::always_inline]] inline void butterfly(Sums<tiles, vectors>& a, Sums<tiles, vectors>& b) {
#pragma GCC unroll 12
  for (int i = 0; i < tiles * vectors; ++i) {
    const Vector sum = add(a.value[i], b.value[i]);
    b.value[i] = subtract(a.value[i], b.value[i]);
    a.value[i] = sum;
  }
}

template <int tiles, int vectors>
[[gnu::always_inline]] inline void write(const Sums<tiles, vectors>& sums, std::int32_t* out,
                                         std::ptrdiff_t stride) {
#pragma GCC unroll 12
  for (int i = 0; i < tiles * vectors; ++i) {
    store(out + i / vectors * stride + i % vectors * 16, sums.value[i]);
  }
}

// Half of a - b, offset by 128: the mean of a and 255 - b.
inline Bytes half_difference(const Bytes& a, const Bytes& b) {
  return mean(a, complement(b));
}
// Of values that are offset by 128, as is the result; what leaves 0..255 saturates.
inline Bytes saturating_difference(const Bytes& a, const Bytes& b) {
  return flip_signs(subtract_saturating(flip_signs(a), flip_signs(b)));
}

// One column of four pixels, transformed; the sum is u8, differences are offset by 128.
struct Column {
  Bytes row[4];
};

// Transforms one row of tiles; `source` is the first of its four rows, `out` the first tile in the first map.
void transform_tiles(const WinogradRun& run, const std::uint8_t* source, std::uint8_t* out) {
  const int width = 2 * run.tile_columns;
  const std::ptrdiff_t channels = run.in_channels, row_bytes = width * channels;
  for (int c = 0; c < run.in_channels; c += byte_width) {
    const Mask mask = first_channels(run.in_channels - c);
    const auto column = [&](int x) {
      Bytes pixels[4];
#pragma GCC unroll 4
      for (int y = 0; y < 4; ++y) {
        pixels[y] =
            x < 0 || x >= width ? no_bytes() : load_bytes(mask, source + y * row_bytes + x * channels + c);
      }
      return Column{{half_difference(pixels[0], pixels[2]), mean(pixels[1], pixels[2]),
                     half_difference(pixels[2], pixels[1]), half_difference(pixels[1], pixels[3])}};
    };
    Column columns[4];
    columns[0] = column(-1);
    columns[1] = column(0);
    for (int tile = 0; tile < run.tile_columns; ++tile) {
      columns[2] = column(2 * tile + 1);
      columns[3] = column(2 * tile + 2);
      std::uint8_t* to = out + tile * channels + c;
#pragma GCC unroll 4
      for (int row = 0; row < 4; ++row) {
        const Bytes first = columns[0].row[row], second = columns[1].row[row], third = columns[2].row[row],
                    fourth = columns[3].row[row];
        const auto difference = row == 1 ? half_difference : saturating_difference;
        const Bytes values[4] = {difference(first, third), mean(second, third), difference(third, second),
                                 difference(second, fourth)};
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
          store_bytes(to + (row * 4 + i) * run.transformed_stride, mask, values[i]);
        }
      }
      columns[0] = columns[2];
      columns[1] = columns[3];
    }
  }
}

// For one column of products: their share in the upper and the lower outputs.
template <int tiles, int vectors>
[[gnu::always_inline]] inline void multiply_column(const WinogradRun& run, const std::uint8_t* map,
                                                   const std::int8_t* weights, std::int32_t* upper_out,
                                                   std::int32_t* lower_out) {
  const std::ptrdiff_t next_row = 4 * run.transformed_stride, channels = run.in_channels,
                       next_weights = channels * 16 * vectors;
  Sums<tiles, vectors> upper, lower;
  clear(upper);
  accumulate(upper, map + next_row, weights, channels);
  clear(lower);
  accumulate(lower, map + 2 * next_row, weights + next_weights, channels);
  butterfly(upper, lower);
  accumulate(upper, map, weights + 2 * next_weights, channels);
  accumulate(lower, map + 3 * next_row, weights + 3 * next_weights, channels);
  write(upper, upper_out, 16 * vectors);
  write(lower, lower_out, 16 * vectors);
}

// From the shares of the four columns to sums of pixels, for the outputs in the upper (0) or lower (1) row.
template <int vectors>
void add_columns(const WinogradRun& run, int output_row, int first_channel) {
  constexpr int block = 16 * vectors;
  const int tiles = run.tile_rows * run.tile_columns;
  const std::ptrdiff_t next_column = std::ptrdiff_t{2} * tiles * block, channels = run.out_channels;
  const std::int32_t* from = run.partial + static_cast<std::ptrdiff_t>(output_row) * tiles * block;
  const std::int32_t* offsets = run.offsets + first_channel * 4 + output_row * 2 * block;
  Vector left_offset[vectors], right_offset[vectors];
#pragma GCC unroll 2
  for (int v = 0; v < vectors; ++v) {
    left_offset[v] = load(offsets + 16 * v);
    right_offset[v] = load(offsets + block + 16 * v);
  }
  for (int row = 0; row < run.tile_rows; ++row) {
    std::int32_t* to = run.sums + (2 * row + output_row) * 2 * run.tile_columns * channels + first_channel;
    for (int tile = 0; tile < run.tile_columns; ++tile, from += block, to += 2 * channels) {
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) {
        const std::int32_t* p = from + 16 * v;
        const Vector first = load(p), second = load(p + next_column), third = load(p + 2 * next_column),
                     fourth = load(p + 3 * next_column);
        const Vector left = add(add(second, third), add(first, left_offset[v]));
        const Vector right = add(subtract(second, third), add(fourth, right_offset[v]));
        store(to + 16 * v, left);
        store(to + channels + 16 * v, right);
      }
    }
  }
}

template <int vectors>
void multiply_tiles(const WinogradRun& run) {
  constexpr int block = 16 * vectors;
  const int tiles = run.tile_rows * run.tile_columns;
  const std::int8_t* weights = run.weights;
  for (int first_channel = 0; first_channel < run.out_channels; first_channel += block) {
    for (int column = 0; column < 4; ++column, weights += std::ptrdiff_t{4} * run.in_channels * block) {
      const std::uint8_t* map = run.transformed + column * run.transformed_stride;
      std::int32_t* upper = run.partial + std::ptrdiff_t{2} * column * tiles * block;
      std::int32_t* lower = upper + std::ptrdiff_t{1} * tiles * block;
      for_tile_groups<most_tiles>(tiles, [&]<int count>(int first) {
        multiply_column<count, vectors>(run, map + std::ptrdiff_t{1} * first * run.in_channels, weights,
                                        upper + first * block, lower + first * block);
      });
    }
    for (int output_row = 0; output_row < 2; ++output_row)
      add_columns<vectors>(run, output_row, first_channel);
  }
}

// Maps of differences of the small map: to the left neighbour, to the upper one, and of these to each other.
// All have rows of tile_columns + 1 pixels.
void transform_upsampled(const WinogradRun& run) {
  const int width = run.tile_columns;
  const std::ptrdiff_t channels = run.in_channels, row_bytes = width * channels;
  std::uint8_t* const horizontal = run.transformed;
  std::uint8_t* const vertical = horizontal + run.transformed_stride;
  std::uint8_t* const both = vertical + run.transformed_stride;
  for (int c = 0; c < run.in_channels; c += byte_width) {
    const Mask mask = first_channels(run.in_channels - c);
    for (int row = 0; row <= run.tile_rows; ++row) {
      const std::uint8_t* above = run.source + row * row_bytes + c;
      const std::uint8_t* below = above + row_bytes;
      Bytes above_left = no_bytes(), below_left = above_left;
      std::ptrdiff_t to = row * (row_bytes + channels) + c;
      for (int x = 0; x <= width; ++x, above += channels, below += channels, to += channels) {
        Bytes above_here = no_bytes(), below_here = above_here;
        if (x < width) {
          above_here = load_bytes(mask, above);
          below_here = load_bytes(mask, below);
        }
        const Bytes above_difference = half_difference(above_left, above_here),
                    below_difference = half_difference(below_left, below_here);
        store_bytes(horizontal + to, mask, below_difference);
        store_bytes(vertical + to, mask, half_difference(above_here, below_here));
        store_bytes(both + to, mask, saturating_difference(above_difference, below_difference));
        above_left = above_here;
        below_left = below_here;
      }
    }
  }
}

// The four outputs of `tiles` neighbouring pixels; `map` is the first of them in the small map, `at` its
// place in the maps of differences.
template <int tiles>
[[gnu::always_inline]] inline void multiply_pixels(const WinogradRun& run, const std::uint8_t* map,
                                                   std::ptrdiff_t at, const std::int8_t* weights,
                                                   const std::int32_t* offsets, std::int32_t* out) {
  const std::ptrdiff_t channels = run.in_channels, next_weights = channels * 16,
                       below = (run.tile_columns + 1) * channels;
  const std::uint8_t* horizontal = run.transformed + at;
  const std::uint8_t* vertical = horizontal + run.transformed_stride;
  const std::uint8_t* both = vertical + run.transformed_stride;
  Sums<tiles, 1> upper_left, upper_right, lower_left, lower_right;
  Sums<tiles, 1>&centre = upper_left, &left = upper_right, &right = lower_right;
  // The centre is in all four outputs, its neighbours are in two of them each.
  clear(centre);
  accumulate(centre, map, weights, channels);
  Sums<tiles, 1> upper;
  clear(upper);
  accumulate(upper, vertical, weights + next_weights, channels);
  clear(lower_left);
  accumulate(lower_left, vertical + below, weights + 2 * next_weights, channels);
#pragma GCC unroll 6
  for (int t = 0; t < tiles; ++t) {
    upper.value[t] = add(upper.value[t], centre.value[t]);
    lower_left.value[t] = add(lower_left.value[t], centre.value[t]);
  }
  clear(left);
  accumulate(left, horizontal, weights + 3 * next_weights, channels);
  clear(right);
  accumulate(right, horizontal + channels, weights + 4 * next_weights, channels);
#pragma GCC unroll 6
  for (int t = 0; t < tiles; ++t) {
    const Vector left_sum = left.value[t], right_sum = right.value[t], lower = lower_left.value[t];
    upper_left.value[t] = add(add(upper.value[t], left_sum), load(offsets));
    upper_right.value[t] = add(add(upper.value[t], right_sum), load(offsets + 16));
    lower_left.value[t] = add(add(lower, left_sum), load(offsets + 32));
    lower_right.value[t] = add(add(lower, right_sum), load(offsets + 48));
  }
  // Each corner is in one output.
  accumulate(upper_left, both, weights + 5 * next_weights, channels);
  accumulate(upper_right, both + channels, weights + 6 * next_weights, channels);
  accumulate(lower_left, both + below, weights + 7 * next_weights, channels);
  accumulate(lower_right, both + below + channels, weights + 8 * next_weights, channels);
  const std::ptrdiff_t next_output = std::ptrdiff_t{1} * run.tile_rows * run.tile_columns * run.out_channels;
  write(upper_left, out, run.out_channels);
  write(upper_right, out + next_output, run.out_channels);
  write(lower_left, out + 2 * next_output, run.out_channels);
  write(lower_right, out + 3 * next_output, run.out_channels);
}

void convolve(const WinogradRun& run) {
  const std::ptrdiff_t row_bytes = std::ptrdiff_t{2} * run.tile_columns * run.in_channels;
  for (int row = 0; row < run.tile_rows; ++row) {
    transform_tiles(run, run.source + 2 * row * row_bytes,
                    run.transformed + std::ptrdiff_t{1} * row * run.tile_columns * run.in_channels);
  }
  if constexpr (most_vectors == 2) {
    if (run.block == 32) return multiply_tiles<2>(run);
  }
  multiply_tiles<1>(run);
}

void convolve_upsampled(const WinogradRun& run) {
  transform_upsampled(run);
  const std::ptrdiff_t channels = run.in_channels;
  const std::int8_t* weights = run.weights;
  for (int first_channel = 0; first_channel < run.out_channels; first_channel += 16) {
    for (int row = 0; row < run.tile_rows; ++row) {
      const std::uint8_t* map = run.source + (row + 1) * run.tile_columns * channels;
      std::int32_t* out =
          run.sums + std::ptrdiff_t{1} * row * run.tile_columns * run.out_channels + first_channel;
      for_tile_groups<most_tiles>(run.tile_columns, [&]<int count>(int first) {
        multiply_pixels<count>(run, map + first * channels, (row * (run.tile_columns + 1) + first) * channels,
                               weights, run.offsets + first_channel * 4, out + first * run.out_channels);
      });
    }
    weights += 9 * 16 * channels;
  }
}

constexpr WinogradKernels kernels = {convolve, convolve_upsampled, 16 * most_vectors, largest_weight,
                                     input_offset};

}  // namespace
}  // namespace reenact::cpu
