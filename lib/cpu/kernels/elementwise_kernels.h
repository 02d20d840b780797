// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/kernels/depthwise_kernels.h"

// Written once for all instruction sets: the including file chooses the vectors by including a simd_*.h
// before. Nothing here may call a function that other translation units share, or the linker could keep the
// wrong copy.

namespace reenact::cpu {
namespace {

// Channels are worked off in blocks of this many vectors, whose factors and sums stay in registers: AVX-512
// and NEON have 32 of them, AVX2 16. Only loops that are unrolled in full keep their arrays there, hence the pragmas.
constexpr int block_vectors = vector_width == 1 ? 1 : vector_width == 8 ? 2 : 4;

template <typename From, typename To, int vectors>
inline void normalise_block(const From* in, To* out, const float* scale, const float* shift, int pixels,
                            int channels) {
  Vector a[vectors], b[vectors];
#pragma GCC unroll 4
  for (int v = 0; v < vectors; ++v) {
    a[v] = load(scale + v * vector_width);
    b[v] = load(shift + v * vector_width);
  }
  const Vector zero = broadcast(0.0f);
  for (int pixel = 0; pixel < pixels; ++pixel, in += channels, out += channels) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      store(out + v * vector_width, maximum(multiply_add(load(in + v * vector_width), a[v], b[v]), zero));
    }
  }
}

template <typename From, typename To>
void normalise(const void* in_bytes, void* out_bytes, const float* scale, const float* shift, int pixels,
               int channels) {
  const From* in = static_cast<const From*>(in_bytes);
  To* out = static_cast<To*>(out_bytes);
  int c = 0;
  for (; c + block_vectors * vector_width <= channels; c += block_vectors * vector_width) {
    normalise_block<From, To, block_vectors>(in + c, out + c, scale + c, shift + c, pixels, channels);
  }
  for (; c + vector_width <= channels; c += vector_width) {
    normalise_block<From, To, 1>(in + c, out + c, scale + c, shift + c, pixels, channels);
  }
  if (const int rest = channels - c; rest > 0) {
    const Vector a = load(scale + c, rest), b = load(shift + c, rest), zero = broadcast(0.0f);
    for (int pixel = 0; pixel < pixels; ++pixel) {
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(pixel) * channels + c;
      store(out + at, maximum(multiply_add(load(in + at, rest), a, b), zero), rest);
    }
  }
}

template <typename From, typename To>
void convert(const void* in_bytes, void* out_bytes, std::ptrdiff_t count) {
  const From* in = static_cast<const From*>(in_bytes);
  To* out = static_cast<To*>(out_bytes);
  std::ptrdiff_t i = 0;
  for (; i + vector_width <= count; i += vector_width) store(out + i, load(in + i));
  if (i < count) store(out + i, load(in + i, static_cast<int>(count - i)), static_cast<int>(count - i));
}

// `rest` channels of the last, partial vector; 0 for whole vectors.
template <typename Sum, typename Stored, int vectors, bool partial>
inline void store_block(const StoreRun& run, int c, int rest) {
  const auto get = [rest](const auto* p, int v) {
    if constexpr (partial) return load(p, rest);
    return load(p + v * vector_width);
  };
  const auto put = [rest](auto* p, int v, Vector value) {
    if constexpr (partial) {
      store(p, value, rest);
    } else {
      store(p + v * vector_width, value);
    }
  };
  const Vector zero = broadcast(0.0f);
  Vector scale[vectors], bias[vectors], skip_scale[vectors], sum[vectors], squares[vectors];
#pragma GCC unroll 4
  for (int v = 0; v < vectors; ++v) {
    scale[v] = get(run.scale + c, v);
    bias[v] = run.bias ? get(run.bias + c, v) : zero;
    skip_scale[v] = run.skip ? get(run.skip_scale + c, v) : zero;
    sum[v] = squares[v] = zero;
  }
  const Sum* in = static_cast<const Sum*>(run.accumulator) + c;
  const Sum* skip = static_cast<const Sum*>(run.skip) + c;
  const Stored* residual = static_cast<const Stored*>(run.residual) + c;
  Stored* out = static_cast<Stored*>(run.out) + c;
  const auto finish = [&](Stored* to, int v, Vector value) {
    put(to, v, value);
    sum[v] = add(sum[v], value);
    squares[v] = multiply_add(value, value, squares[v]);
  };
  if (run.skip) {
    for (int pixel = 0; pixel < run.pixels; ++pixel, in += run.channels, out += run.out_stride) {
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        const Vector skipped = multiply_add(get(skip, v), skip_scale[v], bias[v]);
        finish(out, v, multiply_add(get(in, v), scale[v], skipped));
      }
      if (pixel & 1) skip += run.channels;
    }
  } else if (run.residual) {
    for (int pixel = 0; pixel < run.pixels;
         ++pixel, in += run.channels, out += run.out_stride, residual += run.out_stride) {
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        finish(out, v, multiply_add(get(in, v), scale[v], add(get(residual, v), bias[v])));
      }
    }
  } else {
    for (int pixel = 0; pixel < run.pixels; ++pixel, in += run.channels, out += run.out_stride) {
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) finish(out, v, multiply_add(get(in, v), scale[v], bias[v]));
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < vectors; ++v) {
    put(run.sum + c, v, add(get(run.sum + c, v), sum[v]));
    put(run.sum_of_squares + c, v, add(get(run.sum_of_squares + c, v), squares[v]));
  }
}

template <typename Sum, typename Stored>
void store_run(const StoreRun& run) {
  int c = 0;
  for (; c + block_vectors * vector_width <= run.channels; c += block_vectors * vector_width) {
    store_block<Sum, Stored, block_vectors, false>(run, c, 0);
  }
  for (; c + vector_width <= run.channels; c += vector_width) store_block<Sum, Stored, 1, false>(run, c, 0);
  if (c < run.channels) store_block<Sum, Stored, 1, true>(run, c, run.channels - c);
}

// tanh x = 1 - 2 / (exp(2x) + 1), with exp(2x) = 2^n 2^f, |f| <= 1/2, and the Taylor series of 2^f (error
// below 1e-8).
inline Vector hyperbolic_tangent(Vector x) {
  const Vector limit = broadcast(9.0f);
  x = maximum(minimum(x, limit), broadcast(-9.0f));
  const Vector power = multiply(x, broadcast(2.8853900817779268f));  // 2 / ln 2
  const Vector n = nearest(power);
  const Vector f = subtract(power, n);
  Vector series = broadcast(1.5252733804059841e-5f);  // ln(2)^k / k! for k = 7 .. 0
  series = multiply_add(series, f, broadcast(1.5403530393381610e-4f));
  series = multiply_add(series, f, broadcast(1.3333558146428443e-3f));
  series = multiply_add(series, f, broadcast(9.6181291076284772e-3f));
  series = multiply_add(series, f, broadcast(5.5504108664821580e-2f));
  series = multiply_add(series, f, broadcast(2.4022650695910072e-1f));
  series = multiply_add(series, f, broadcast(6.9314718055994531e-1f));
  series = multiply_add(series, f, broadcast(1.0f));
  const Vector one = broadcast(1.0f);
  const Vector exponential = multiply(series, power_of_two(n));
  return subtract(one, divide(broadcast(2.0f), add(exponential, one)));
}

template <typename Sum>
void activate(const void* accumulator, const float* scale, const float* bias, float* out, int pixels) {
  // Four channels repeat along the vector; the arrays are long enough for the widest one.
  float scales[16], biases[16], gains[16];
  for (int i = 0; i < 16; ++i) {
    scales[i] = scale[i % 4];
    biases[i] = bias[i % 4];
    gains[i] = i % 4 == 3 ? 0.5f : 0.75f;
  }
  const Sum* in = static_cast<const Sum*>(accumulator);
  const int count = pixels * 4;
  const Vector half = broadcast(0.5f);
  for (int i = 0; i < count; i += vector_width) {
    const int rest = count - i < vector_width ? count - i : vector_width;
    const int lane = i % 4;
    const Vector raw = rest == vector_width ? load(in + i) : load(in + i, rest);
    const Vector t = hyperbolic_tangent(multiply_add(raw, load(scales + lane), load(biases + lane)));
    const Vector value = multiply_add(t, load(gains + lane), half);
    if (rest == vector_width) {
      store(out + i, value);
    } else {
      store(out + i, value, rest);
    }
  }
}

void to_rgba(const float* in, std::uint8_t* out, int pixels, bool premultiply) {
  const Vector scale = broadcast(255.0f);
  // Storing rounds to nearest, so subtracting almost a half truncates and leaves whole numbers as they are.
  const Vector offset = broadcast(premultiply ? -0.4999f : 0.0f);
  const int count = pixels * 4;
  for (int i = 0; i < count; i += vector_width) {
    float products[16];
    const int rest = count - i < vector_width ? count - i : vector_width;
    const float* values = in + i;
    if (premultiply) {
      for (int k = 0; k < rest; ++k) {
        products[k] = (i + k) % 4 == 3 ? in[i + k] : in[i + k] * in[(i + k) / 4 * 4 + 3];
      }
      values = products;
    }
    if (rest == vector_width) {
      store(out + i, multiply_add(load(values), scale, offset));
    } else {
      store(out + i, multiply_add(load(values, rest), scale, offset), rest);
    }
  }
}

template <typename Weight>
void multiply_matrix(const Weight* weights, const float* x, const float* bias, float* y, int rows,
                     int columns) {
  for (int row = 0; row < rows; ++row, weights += columns) {
    Vector sums[4] = {broadcast(0.0f), broadcast(0.0f), broadcast(0.0f), broadcast(0.0f)};
    int i = 0;
    for (; i + 4 * vector_width <= columns; i += 4 * vector_width) {
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        sums[v] = multiply_add(load(weights + i + v * vector_width), load(x + i + v * vector_width), sums[v]);
      }
    }
    for (; i + vector_width <= columns; i += vector_width)
      sums[0] = multiply_add(load(weights + i), load(x + i), sums[0]);
    if (const int rest = columns - i; rest > 0) {
      sums[1] = multiply_add(load(weights + i, rest), load(x + i, rest), sums[1]);
    }
    y[row] = horizontal_sum(add(add(sums[0], sums[1]), add(sums[2], sums[3]))) + bias[row];
  }
}

constexpr ElementwiseKernels kernels = {
    {{normalise<float, float>, normalise<float, Bfloat16>, normalise<float, std::uint8_t>},
     {normalise<Half, float>, normalise<Half, Bfloat16>, normalise<Half, std::uint8_t>}},
    normalise<std::int32_t, std::uint8_t>,
    depthwise,
    {convert<float, Bfloat16>, convert<Half, Bfloat16>},
    {convert<float, float>, convert<Half, float>},
    {{store_run<float, float>, store_run<float, Half>},
     {store_run<std::int32_t, float>, store_run<std::int32_t, Half>}},
    {activate<float>, activate<std::int32_t>},
    to_rgba,
    multiply_matrix<float>,
    multiply_matrix<Half>,
    [](const float* in, Half* out, std::ptrdiff_t count) { convert<float, Half>(in, out, count); },
};

}  // namespace
}  // namespace reenact::cpu
