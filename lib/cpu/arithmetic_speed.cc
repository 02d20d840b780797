// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/arithmetic_speed.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <vector>

#include "cpu/generator_layer.h"
#include "cpu/single_threaded_onednn.h"

namespace reenact::cpu {
namespace {

// The finer arithmetic is worth so much time.
constexpr double worth_of_finer = 1.05;
constexpr int runs = 5;

double measure(const GeneratorLayer::Geometry& geometry, Arithmetic arithmetic) {
  using Clock = std::chrono::steady_clock;
  std::minstd_rand random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> weights(std::size_t{9} * geometry.in_channels * geometry.out_channels);
  for (float& weight : weights) weight = uniform(random);
  const std::vector<float> steps(arithmetic == Arithmetic::int8 ? geometry.in_channels : 0, 1.0f);
  const GeneratorLayer layer(geometry, GeneratorLayer::cut(geometry, arithmetic), arithmetic, weights, steps);
  // Zeros: no instruction here takes longer for other values.
  const AlignedBuffer map(size_of(arithmetic) * geometry.in_channels * geometry.width *
                          (geometry.height + 2));
  AlignedBuffer sums(layer.sums_bytes()), scratch(layer.scratch_bytes());
  GeneratorLayer::Workspace workspace = layer.workspace(scratch.data());
  double best = 0;
  for (int run = 0; run < runs; ++run) {
    const auto begin = Clock::now();
    for (int task = 0; task < layer.tasks(); ++task)
      layer.execute(layer.task(task), workspace, map.data(), sums.data());
    const double elapsed = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    best = run == 0 ? elapsed : std::min(best, elapsed);
  }
  return best;
}

double measure(Arithmetic arithmetic) {
  SingleThreadedOneDnn single_threaded;
  // The last one has too few channels for kernels of our own: oneDNN takes part as it does in a generator.
  return measure({32, 32, 64, 64, 3, false}, arithmetic) + measure({16, 16, 64, 64, 3, true}, arithmetic) +
         measure({64, 64, 32, 4, 3, false}, arithmetic);
}

}  // namespace

double layer_milliseconds(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::int8: {
      static const double measured = measure(Arithmetic::int8);
      return measured;
    }
    case Arithmetic::bf16: {
      static const double measured = measure(Arithmetic::bf16);
      return measured;
    }
    case Arithmetic::f32:
      break;
  }
  static const double measured = measure(Arithmetic::f32);
  return measured;
}

Arithmetic fastest_arithmetic(std::span<const Arithmetic> candidates,
                              const std::function<double(Arithmetic)>& milliseconds) {
  if (candidates.size() == 1) return candidates[0];
  std::vector<double> times;
  for (Arithmetic arithmetic : candidates) times.push_back(milliseconds(arithmetic));
  const double bound = worth_of_finer * *std::min_element(times.begin(), times.end());
  std::size_t chosen = candidates.size() - 1;
  while (times[chosen] > bound) --chosen;
  return candidates[chosen];
}

}  // namespace reenact::cpu
