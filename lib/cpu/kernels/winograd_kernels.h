// SPDX-License-Identifier: LGPL-2.1-or-later
#include <immintrin.h>

#include "cpu/kernels/winograd_kernels.h"

// Nothing here may call a function that other translation units share, or the linker could keep the wrong
// copy. Loops over registers are unrolled in full, or their arrays would live in memory.
namespace reenact::cpu {
namespace {

// Most tiles whose products stay in registers.
constexpr int most_tiles = 6;

// acc += x . w in groups of four bytes, x unsigned. Written as an instruction because GCC 12 copies the
// accumulators of the intrinsic function to memory and back.
inline void multiply_add(__m512i& accumulator, __m512i x, __m512i w) {
  asm("vpdpbusd %2, %1, %0" : "+v"(accumulator) : "v"(x), "v"(w));
}
inline __m512i add(__m512i a, __m512i b) {
  return _mm512_add_epi32(a, b);
}
inline __m512i subtract(__m512i a, __m512i b) {
  return _mm512_sub_epi32(a, b);
}

// Sums of [tiles] pixels and 16 * vectors channels.
template <int tiles, int vectors>
struct Sums {
  __m512i value[tiles * vectors + 1];  // GCC 12 would leave an array of five in memory
};

template <int tiles, int vectors>
[[gnu::always_inline]] inline void clear(Sums<tiles, vectors>& sums) {
#pragma GCC unroll 12
  for (int i = 0; i < tiles * vectors; ++i) sums.value[i] = _mm512_setzero_si512();
}

// sums += map [tiles, channels] times weights [channels / 4][16 * vectors][4].
template <int tiles, int vectors>
[[gnu::always_inline]] inline void accumulate(Sums<tiles, vectors>& sums, const std::uint8_t* map,
                                              const std::int8_t* weights, std::ptrdiff_t channels) {
  for (std::ptrdiff_t c = 0; c < channels; c += 4, map += 4, weights += 64 * vectors) {
    __m512i w[vectors];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) w[v] = _mm512_load_si512(weights + 64 * v);
#pragma GCC unroll 6
    for (int t = 0; t < tiles; ++t) {
      int four;
      __builtin_memcpy(&four, map + t * channels, 4);
      const __m512i x = _mm512_set1_epi32(four);
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
    const __m512i sum = add(a.value[i], b.value[i]);
    b.value[i] = subtract(a.value[i], b.value[i]);
    a.value[i] = sum;
  }
}

template <int tiles, int vectors>
[[gnu::always_inline]] inline void write(const Sums<tiles, vectors>& sums, std::int32_t* out,
                                         std::ptrdiff_t stride) {
#pragma GCC unroll 12
  for (int i = 0; i < tiles * vectors; ++i) {
    _mm512_store_si512(out + i / vectors * stride + i % vectors * 16, sums.value[i]);
  }
}

// Calls function.operator()<tiles>(first) for groups of about the same size that make up `count` tiles.
template <typename Function>
[[gnu::always_inline]] inline void for_groups(int count, Function&& function) {
  const int groups = (count + most_tiles - 1) / most_tiles;
  for (int group = 0, first = 0; group < groups; ++group) {
    const int tiles = count / groups + (group < count % groups ? 1 : 0);
    switch (tiles) {
      case 1:
        function.template operator()<1>(first);
        break;
      case 2:
        function.template operator()<2>(first);
        break;
      case 3:
        function.template operator()<3>(first);
        break;
      case 4:
        function.template operator()<4>(first);
        break;
      case 5:
        function.template operator()<5>(first);
        break;
      default:
        function.template operator()<6>(first);
    }
    first += tiles;
  }
}

// Bytes with an offset of 128, and back.
inline __m512i flip(__m512i a) {
  return _mm512_xor_si512(a, _mm512_set1_epi8(-128));
}
// Half of a - b, offset by 128: the mean of a and 255 - b.
inline __m512i half_difference(__m512i a, __m512i b) {
  return _mm512_avg_epu8(a, _mm512_xor_si512(b, _mm512_set1_epi8(-1)));
}
// Of values that are offset by 128.
inline __m512i saturating_difference(__m512i a, __m512i b) {
  return flip(_mm512_subs_epi8(flip(a), flip(b)));
}

inline __mmask64 first_channels(int count) {
  return count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1;
}

// One column of four pixels, transformed; the sum is u8, differences are offset by 128.
struct Column {
  __m512i row[4];
};

// Transforms one row of tiles; `source` is the first of its four rows, `out` the first tile in the first map.
void transform_tiles(const WinogradRun& run, const std::uint8_t* source, std::uint8_t* out) {
  const int width = 2 * run.tile_columns;
  const std::ptrdiff_t channels = run.in_channels, row_bytes = width * channels;
  for (int c = 0; c < run.in_channels; c += 64) {
    const __mmask64 mask = first_channels(run.in_channels - c);
    const auto column = [&](int x) {
      __m512i pixels[4];
#pragma GCC unroll 4
      for (int y = 0; y < 4; ++y) {
        pixels[y] = x < 0 || x >= width
                        ? _mm512_setzero_si512()
                        : _mm512_maskz_loadu_epi8(mask, source + y * row_bytes + x * channels + c);
      }
      return Column{{half_difference(pixels[0], pixels[2]), _mm512_avg_epu8(pixels[1], pixels[2]),
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
        const __m512i first = columns[0].row[row], second = columns[1].row[row], third = columns[2].row[row],
                      fourth = columns[3].row[row];
        const auto difference = row == 1 ? half_difference : saturating_difference;
        const __m512i values[4] = {difference(first, third), _mm512_avg_epu8(second, third),
                                   difference(third, second), difference(second, fourth)};
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
          _mm512_mask_storeu_epi8(to + (row * 4 + i) * run.transformed_stride, mask, values[i]);
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
  __m512i left_offset[vectors], right_offset[vectors];
#pragma GCC unroll 2
  for (int v = 0; v < vectors; ++v) {
    left_offset[v] = _mm512_load_si512(offsets + 16 * v);
    right_offset[v] = _mm512_load_si512(offsets + block + 16 * v);
  }
  for (int row = 0; row < run.tile_rows; ++row) {
    std::int32_t* to = run.sums + (2 * row + output_row) * 2 * run.tile_columns * channels + first_channel;
    for (int tile = 0; tile < run.tile_columns; ++tile, from += block, to += 2 * channels) {
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) {
        const std::int32_t* p = from + 16 * v;
        const __m512i first = _mm512_load_si512(p), second = _mm512_load_si512(p + next_column),
                      third = _mm512_load_si512(p + 2 * next_column),
                      fourth = _mm512_load_si512(p + 3 * next_column);
        const __m512i left = add(add(second, third), add(first, left_offset[v]));
        const __m512i right = add(subtract(second, third), add(fourth, right_offset[v]));
        _mm512_store_si512(to + 16 * v, left);
        _mm512_store_si512(to + channels + 16 * v, right);
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
      for_groups(tiles, [&]<int count>(int first) {
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
  for (int c = 0; c < run.in_channels; c += 64) {
    const __mmask64 mask = first_channels(run.in_channels - c);
    for (int row = 0; row <= run.tile_rows; ++row) {
      const std::uint8_t* above = run.source + row * row_bytes + c;
      const std::uint8_t* below = above + row_bytes;
      __m512i above_left = _mm512_setzero_si512(), below_left = above_left;
      std::ptrdiff_t to = row * (row_bytes + channels) + c;
      for (int x = 0; x <= width; ++x, above += channels, below += channels, to += channels) {
        __m512i above_here = _mm512_setzero_si512(), below_here = above_here;
        if (x < width) {
          above_here = _mm512_maskz_loadu_epi8(mask, above);
          below_here = _mm512_maskz_loadu_epi8(mask, below);
        }
        const __m512i above_difference = half_difference(above_left, above_here),
                      below_difference = half_difference(below_left, below_here);
        _mm512_mask_storeu_epi8(horizontal + to, mask, below_difference);
        _mm512_mask_storeu_epi8(vertical + to, mask, half_difference(above_here, below_here));
        _mm512_mask_storeu_epi8(both + to, mask, saturating_difference(above_difference, below_difference));
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
    const __m512i left_sum = left.value[t], right_sum = right.value[t], lower = lower_left.value[t];
    upper_left.value[t] = add(add(upper.value[t], left_sum), _mm512_load_si512(offsets));
    upper_right.value[t] = add(add(upper.value[t], right_sum), _mm512_load_si512(offsets + 16));
    lower_left.value[t] = add(add(lower, left_sum), _mm512_load_si512(offsets + 32));
    lower_right.value[t] = add(add(lower, right_sum), _mm512_load_si512(offsets + 48));
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

}  // namespace

void winograd_convolve_avx512_vnni(const WinogradRun& run) {
  const std::ptrdiff_t row_bytes = std::ptrdiff_t{2} * run.tile_columns * run.in_channels;
  for (int row = 0; row < run.tile_rows; ++row) {
    transform_tiles(run, run.source + 2 * row * row_bytes,
                    run.transformed + std::ptrdiff_t{1} * row * run.tile_columns * run.in_channels);
  }
  if (run.block == 32) {
    multiply_tiles<2>(run);
  } else {
    multiply_tiles<1>(run);
  }
}

void winograd_convolve_upsampled_avx512_vnni(const WinogradRun& run) {
  transform_upsampled(run);
  const std::ptrdiff_t channels = run.in_channels;
  const std::int8_t* weights = run.weights;
  for (int first_channel = 0; first_channel < run.out_channels; first_channel += 16) {
    for (int row = 0; row < run.tile_rows; ++row) {
      const std::uint8_t* map = run.source + (row + 1) * run.tile_columns * channels;
      std::int32_t* out =
          run.sums + std::ptrdiff_t{1} * row * run.tile_columns * run.out_channels + first_channel;
      for_groups(run.tile_columns, [&]<int count>(int first) {
        multiply_pixels<count>(run, map + first * channels, (row * (run.tile_columns + 1) + first) * channels,
                               weights, run.offsets + first_channel * 4, out + first * run.out_channels);
      });
    }
    weights += 9 * 16 * channels;
  }
}

}  // namespace reenact::cpu
