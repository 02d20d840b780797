// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/kernels/tile_groups.h"

// Written once for all instruction sets: the including file chooses the vectors of floats by including a simd_*.h before.
// Nothing here may call a function that other translation units share, or the linker could keep the wrong copy. Loops over
// registers are unrolled in full, or their arrays would live in memory.
namespace reenact::cpu {
namespace {

// Most tiles whose sums stay in registers, two vectors each: AVX-512 and NEON have 32 of them, AVX2 16.
constexpr int most_tiles = vector_width == 8 ? 6 : 12;
constexpr int widest_vectors = 2;

// Sums of [tiles] pixels and vector_width * vectors channels.
template <int tiles, int vectors>
struct Sums {
  Vector value[tiles * vectors];
};

template <int tiles, int vectors>
[[gnu::always_inline]] inline void clear(Sums<tiles, vectors>& sums) {
#pragma GCC unroll 24
  for (int i = 0; i < tiles * vectors; ++i) sums.value[i] = broadcast(0.0f);
}

// sums += map [tiles, channels] times weights [channels][vector_width * vectors].
template <int tiles, int vectors>
[[gnu::always_inline]] inline void accumulate(Sums<tiles, vectors>& sums, const float* map,
                                              const float* weights, std::ptrdiff_t channels) {
  for (std::ptrdiff_t c = 0; c < channels; ++c, ++map, weights += vector_width * vectors) {
    Vector w[vectors];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) w[v] = load(weights + vector_width * v);
#pragma GCC unroll 12
    for (int t = 0; t < tiles; ++t) {
      const Vector x = broadcast(map[t * channels]);
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) {
        sums.value[t * vectors + v] = multiply_add(x, w[v], sums.value[t * vectors + v]);
      }
    }
  }
}

template <int tiles, int vectors>
[[gnu::always_inline]] inline void write(const Sums<tiles, vectors>& sums, float* out,
                                         std::ptrdiff_t stride) {
#pragma GCC unroll 24
  for (int i = 0; i < tiles * vectors; ++i) {
    store(out + i / vectors * stride + i % vectors * vector_width, sums.value[i]);
  }
}

// The squares of the points at which polynomials are evaluated, and constants made of them.
constexpr float near_point = winograd_near_point, far_point = winograd_far_point;
constexpr float near_square = 0.5f, far_square = 2.0f, sum_of_squares = 2.5f;

// Six inputs in one dimension to six factors of products. The product of the squares is one.
[[gnu::always_inline]] inline void transform_inputs(const Vector (&in)[6], Vector (&out)[6]) {
  const Vector minus_near = broadcast(-near_square), minus_far = broadcast(-far_square),
               minus_sum = broadcast(-sum_of_squares);
  const Vector near_even = multiply_add(in[2], minus_far, in[4]),
               near_odd = multiply_add(in[1], minus_far, in[3]);
  const Vector far_even = multiply_add(in[2], minus_near, in[4]),
               far_odd = multiply_add(in[1], minus_near, in[3]);
  out[0] = multiply_add(in[2], minus_sum, add(in[0], in[4]));
  out[1] = multiply_add(near_odd, broadcast(near_point), near_even);
  out[2] = multiply_add(near_odd, broadcast(-near_point), near_even);
  out[3] = multiply_add(far_odd, broadcast(far_point), far_even);
  out[4] = multiply_add(far_odd, broadcast(-far_point), far_even);
  out[5] = multiply_add(in[3], minus_sum, add(in[1], in[5]));
}

// Six products in one dimension to four outputs.
[[gnu::always_inline]] inline void transform_products(const Vector (&in)[6], Vector (&out)[4]) {
  const Vector near_sum = add(in[1], in[2]), near_difference = subtract(in[1], in[2]);
  const Vector far_sum = add(in[3], in[4]), far_difference = subtract(in[3], in[4]);
  // Differences times the near point; the far point is twice the near one, its cube eight times that one's.
  const Vector odd = multiply(near_difference, broadcast(near_point)),
               far_odd = multiply(far_difference, broadcast(far_point));
  out[0] = add(in[0], add(near_sum, far_sum));
  out[1] = add(odd, far_odd);
  out[2] = multiply_add(far_sum, broadcast(far_square), multiply(near_sum, broadcast(near_square)));
  out[3] = multiply_add(odd, broadcast(near_square), multiply_add(far_odd, broadcast(far_square), in[5]));
}

// One tile, to its place in the first of the 36 maps. What lies outside of the map is zero.
void transform_tile(const FloatWinogradRun& run, int row, int column, float* out) {
  const std::ptrdiff_t channels = run.in_channels, row_floats = run.width * channels;
  const float* source = run.source + 4 * row * row_floats + (4 * column - 1) * channels;
  const int first = column == 0 ? 1 : 0,
            last = run.width + 1 - 4 * column < 6 ? run.width + 1 - 4 * column : 6;
  const int height = run.rows + 2 - 4 * row;
  for (std::ptrdiff_t c = 0; c < channels; c += vector_width) {
    Vector columns[6][6];
    for (int x = 0; x < 6; ++x) {
      Vector pixels[6];
      if (x < first || x >= last) {
#pragma GCC unroll 6
        for (int y = 0; y < 6; ++y) columns[x][y] = broadcast(0.0f);
        continue;
      }
      const float* from = source + x * channels + c;
      if (height >= 6) {
#pragma GCC unroll 6
        for (int y = 0; y < 6; ++y) pixels[y] = load(from + y * row_floats);
      } else {
#pragma GCC unroll 6
        for (int y = 0; y < 6; ++y) pixels[y] = y < height ? load(from + y * row_floats) : broadcast(0.0f);
      }
      transform_inputs(pixels, columns[x]);
    }
    float* to = out + c;
    for (int y = 0; y < 6; ++y) {
      Vector in[6], values[6];
#pragma GCC unroll 6
      for (int x = 0; x < 6; ++x) in[x] = columns[x][y];
      transform_inputs(in, values);
#pragma GCC unroll 6
      for (int x = 0; x < 6; ++x, to += run.transformed_stride) store(to, values[x]);
    }
  }
}

// How the outputs of a tile are finished.
struct Finish {
  Vector bias, least;
  int rows, columns;  // that are in the map
};

// The outputs of one tile for a vector of channels; `products` is its first one of 36.
[[gnu::always_inline]] inline void finish_tile(const float* products, std::ptrdiff_t next_product,
                                               const Finish& finish, float* out, std::ptrdiff_t next_column,
                                               std::ptrdiff_t next_row) {
  Vector rows[6][4];
  for (int y = 0; y < 6; ++y) {
    Vector in[6];
#pragma GCC unroll 6
    for (int x = 0; x < 6; ++x, products += next_product) in[x] = load(products);
    transform_products(in, rows[y]);
  }
  for (int x = 0; x < finish.columns; ++x, out += next_column) {
    Vector in[6], values[4];
#pragma GCC unroll 6
    for (int y = 0; y < 6; ++y) in[y] = rows[y][x];
    transform_products(in, values);
#pragma GCC unroll 4
    for (int y = 0; y < 4; ++y) {
      if (y < finish.rows) store(out + y * next_row, maximum(add(values[y], finish.bias), finish.least));
    }
  }
}

template <int vectors>
void multiply_group(const FloatWinogradRun& run, int first_tile, int count) {
  constexpr int block = vector_width * vectors, products = 36;
  const std::ptrdiff_t in = run.in_channels, out = run.out_channels,
                       next_product = std::ptrdiff_t{1} * run.group_tiles * block;
  const std::ptrdiff_t row_floats = run.width * out;
  const float* weights = run.weights;
  // Below zero there is no end unless sums are rectified.
  Finish finish{broadcast(0.0f), broadcast(run.rectify ? 0.0f : -__builtin_inff()), 4, 4};
  for (int first_channel = 0; first_channel < run.out_channels; first_channel += block) {
    for (int product = 0; product < products; ++product, weights += in * block) {
      const float* map = run.transformed + product * run.transformed_stride;
      float* to = run.products + product * next_product;
      for_tile_groups<most_tiles>(count, [&]<int tiles>(int first) {
        Sums<tiles, vectors> sums;
        clear(sums);
        accumulate(sums, map + first * in, weights, in);
        write(sums, to + first * block, block);
      });
    }
    for (int tile = 0; tile < count; ++tile) {
      const int row = (first_tile + tile) / run.tile_columns, column = (first_tile + tile) % run.tile_columns;
      float* to = run.sums + 4 * row * row_floats + 4 * column * out + first_channel;
      finish.rows = run.rows - 4 * row < 4 ? run.rows - 4 * row : 4;
      finish.columns = run.width - 4 * column < 4 ? run.width - 4 * column : 4;
      for (int v = 0; v < vectors; ++v) {
        if (run.bias) finish.bias = load(run.bias + first_channel + v * vector_width);
        finish_tile(run.products + tile * block + v * vector_width, next_product, finish,
                    to + v * vector_width, out, row_floats);
      }
    }
  }
}

void convolve(const FloatWinogradRun& run) {
  const int tiles = run.tile_rows * run.tile_columns;
  const std::ptrdiff_t channels = run.in_channels;
  for (int first = 0; first < tiles; first += run.group_tiles) {
    const int count = tiles - first < run.group_tiles ? tiles - first : run.group_tiles;
    for (int tile = 0; tile < count; ++tile) {
      transform_tile(run, (first + tile) / run.tile_columns, (first + tile) % run.tile_columns,
                     run.transformed + tile * channels);
    }
    if (run.block == vector_width * widest_vectors) {
      multiply_group<widest_vectors>(run, first, count);
    } else {
      multiply_group<1>(run, first, count);
    }
  }
}

// Maps of differences of the small map: to the left neighbour, to the upper one, and of these to each other. All have
// rows of tile_columns + 1 pixels.
void transform_upsampled(const FloatWinogradRun& run) {
  const int width = run.tile_columns;
  const std::ptrdiff_t channels = run.in_channels, row_floats = width * channels;
  float* const horizontal = run.transformed;
  float* const vertical = horizontal + run.transformed_stride;
  float* const both = vertical + run.transformed_stride;
  const Vector zero = broadcast(0.0f);
  for (int row = 0; row <= run.tile_rows; ++row) {
    for (std::ptrdiff_t c = 0; c < channels; c += vector_width) {
      const float* above = run.source + row * row_floats + c;
      const float* below = above + row_floats;
      std::ptrdiff_t to = row * (row_floats + channels) + c;
      Vector above_left = zero, below_left = zero;
      for (int x = 0; x <= width; ++x, above += channels, below += channels, to += channels) {
        const Vector above_here = x < width ? load(above) : zero, below_here = x < width ? load(below) : zero;
        const Vector above_difference = subtract(above_left, above_here),
                     below_difference = subtract(below_left, below_here);
        store(horizontal + to, below_difference);
        store(vertical + to, subtract(above_here, below_here));
        store(both + to, subtract(above_difference, below_difference));
        above_left = above_here;
        below_left = below_here;
      }
    }
  }
}

// The four outputs of `tiles` neighbouring pixels; `map` is the first of them in the small map, `at` its place in the
// maps of differences.
template <int tiles, int vectors>
[[gnu::always_inline]] inline void multiply_pixels(const FloatWinogradRun& run, const float* map,
                                                   std::ptrdiff_t at, const float* weights, float* out) {
  const std::ptrdiff_t channels = run.in_channels, next_weights = channels * vector_width * vectors,
                       below = (run.tile_columns + 1) * channels;
  const float* horizontal = run.transformed + at;
  const float* vertical = horizontal + run.transformed_stride;
  const float* both = vertical + run.transformed_stride;
  using Group = Sums<tiles, vectors>;
  const auto plus = [](const Group& a, const Group& b) {
    Group sum;
#pragma GCC unroll 24
    for (int i = 0; i < tiles * vectors; ++i) sum.value[i] = add(a.value[i], b.value[i]);
    return sum;
  };
  // The centre is in all four outputs, its neighbours are in two of them each, and each corner is in one.
  Group centre, upper, lower, left, right;
  clear(centre);
  accumulate(centre, map, weights, channels);
  upper = lower = centre;
  accumulate(upper, vertical, weights + next_weights, channels);
  accumulate(lower, vertical + below, weights + 2 * next_weights, channels);
  clear(left);
  accumulate(left, horizontal, weights + 3 * next_weights, channels);
  clear(right);
  accumulate(right, horizontal + channels, weights + 4 * next_weights, channels);
  const std::ptrdiff_t next_output = std::ptrdiff_t{1} * run.tile_rows * run.tile_columns * run.out_channels;
  Group sums = plus(upper, left);
  accumulate(sums, both, weights + 5 * next_weights, channels);
  write(sums, out, run.out_channels);
  sums = plus(upper, right);
  accumulate(sums, both + channels, weights + 6 * next_weights, channels);
  write(sums, out + next_output, run.out_channels);
  sums = plus(lower, left);
  accumulate(sums, both + below, weights + 7 * next_weights, channels);
  write(sums, out + 2 * next_output, run.out_channels);
  sums = plus(lower, right);
  accumulate(sums, both + below + channels, weights + 8 * next_weights, channels);
  write(sums, out + 3 * next_output, run.out_channels);
}

template <int vectors>
void multiply_upsampled(const FloatWinogradRun& run) {
  constexpr int block = vector_width * vectors, products = 9;
  const std::ptrdiff_t channels = run.in_channels;
  const float* weights = run.weights;
  for (int first_channel = 0; first_channel < run.out_channels; first_channel += block) {
    for (int row = 0; row < run.tile_rows; ++row) {
      const float* map = run.source + (row + 1) * run.tile_columns * channels;
      float* out = run.sums + std::ptrdiff_t{1} * row * run.tile_columns * run.out_channels + first_channel;
      for_tile_groups<most_tiles>(run.tile_columns, [&]<int tiles>(int first) {
        multiply_pixels<tiles, vectors>(run, map + first * channels,
                                        (row * (run.tile_columns + 1) + first) * channels, weights,
                                        out + first * run.out_channels);
      });
    }
    weights += products * block * channels;
  }
}

void convolve_upsampled(const FloatWinogradRun& run) {
  transform_upsampled(run);
  if (run.block == vector_width * widest_vectors) {
    multiply_upsampled<widest_vectors>(run);
  } else {
    multiply_upsampled<1>(run);
  }
}

constexpr FloatWinogradKernels kernels = {convolve, convolve_upsampled, vector_width* widest_vectors};

}  // namespace
}  // namespace reenact::cpu
