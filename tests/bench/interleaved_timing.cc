// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/interleaved_timing.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "bench/timing_statistics.h"
#include "cpu/aligned_buffer.h"
#include "cpu/convolution.h"
#include "cpu/kernels/instruction_set.h"
#include "cpu/single_threaded_onednn.h"
#include "cpu/worker_pool.h"

namespace reenact::bench {
namespace {

constexpr double settling_time = 25;  // milliseconds; OpenMP's threads spin for some ten after their work

double milliseconds_of(const std::function<void()>& run) {
  const auto begin = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

nlohmann::ordered_json or_null(double value) {
  return value > 0 ? nlohmann::ordered_json(rounded(value)) : nlohmann::ordered_json();
}

}  // namespace

std::vector<nlohmann::ordered_json> compare(const std::string& name, std::vector<Contestant>& contestants,
                                            int rounds) {
  std::vector<std::vector<double>> times(contestants.size()), quotients(contestants.size());
  for (int round = -1; round < rounds; ++round) {
    for (std::size_t i = 0; i < contestants.size(); ++i) {
      if (!contestants[i].error.empty()) continue;
      try {
        // For nothing: the engine before has left its own data in the caches, and threads that still spin.
        for (double passed = 0; passed < settling_time;) passed += milliseconds_of(contestants[i].run);
        const double time = milliseconds_of(contestants[i].run);
        if (round < 0) continue;
        times[i].push_back(time);
        if (contestants[0].error.empty()) quotients[i].push_back(times[0].back() / time);
      } catch (const std::exception& error) {
        contestants[i].error = in_one_line(error);
      }
    }
  }
  std::vector<nlohmann::ordered_json> lines;
  for (std::size_t i = 0; i < contestants.size(); ++i) {
    const Contestant& contestant = contestants[i];
    if (!contestant.error.empty()) {
      lines.push_back(error_line(name, contestant.engine, contestant.precision, contestant.error));
      continue;
    }
    const double median = quantile(times[i], 0.5);
    nlohmann::ordered_json line;
    line["case"] = name;
    line["engine"] = contestant.engine;
    line["precision"] = contestant.precision;
    line["threads"] = contestant.threads;
    line["median_ms"] = rounded(median);
    line["p95_ms"] = rounded(quantile(times[i], 0.95));
    line["fps"] = rounded(1000 / median);
    line["ratio"] = or_null(quotients[i].empty() ? 0 : quantile(quotients[i], 0.5));
    line["gflops"] = or_null(contestant.operations / median * 1e-6);
    line["peak_gflops"] = or_null(contestant.peak_gflops);
    line["psnr"] = or_null(contestant.psnr);
    line["cpu"] = cpu::cpu_name();
    line["instruction_set"] = cpu::to_string(cpu::instruction_set());
    line["rounds"] = rounds;
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string in_one_line(const std::exception& error) {
  const std::string message = error.what();
  return message.substr(0, message.find('\n'));
}

nlohmann::ordered_json error_line(const std::string& name, const std::string& engine,
                                  const std::string& precision, const std::string& error) {
  nlohmann::ordered_json line;
  line["case"] = name;
  line["engine"] = engine;
  line["precision"] = precision;
  line["error"] = error;
  return line;
}

double measure_peak(const std::string& precision, int threads) {
  using namespace reenact::cpu;
  const Arithmetic arithmetic = precision == "int8"   ? Arithmetic::int8
                                : precision == "bf16" ? Arithmetic::bf16
                                                      : Arithmetic::f32;
  ConvolutionShape shape;
  shape.in_height = shape.in_width = 16;
  shape.in_channels = shape.out_channels = 256;
  shape.pad_left = shape.pad_right = shape.pad_top = shape.pad_bottom = 1;
  SingleThreadedOneDnn single_threaded;
  const Convolution convolution(shape, arithmetic);
  const std::size_t weight_count = 256 * 256 * 9;
  const PackedWeights weights =
      arithmetic == Arithmetic::int8
          ? convolution.pack(std::span<const std::int8_t>(std::vector<std::int8_t>(weight_count, 1)))
          : convolution.pack(std::span<const float>(std::vector<float>(weight_count, 1.0f)));
  const int used_threads = WorkerPool::shared().reserve(threads);
  std::vector<AlignedBuffer> buffers;
  std::vector<ConvolutionHandles> handles;
  for (int i = 0; i < used_threads; ++i) {
    buffers.emplace_back(convolution.source_bytes());
    buffers.emplace_back(convolution.destination_bytes());
    buffers.emplace_back(convolution.scratch_bytes());
    handles.push_back(convolution.handles(buffers.back().data()));
  }
  constexpr int repeats = 16;
  const double operations = 2.0 * 16 * 16 * weight_count * repeats * used_threads;
  double best = 0;
  for (int attempt = 0; attempt < 15; ++attempt) {
    const double time = milliseconds_of([&] {
      WorkerPool::shared().run(used_threads * repeats, used_threads, [&](int, int slot) {
        convolution.execute(handles[slot], buffers[slot * 3].data(), weights, buffers[slot * 3 + 1].data());
      });
    });
    best = std::max(best, operations / time * 1e-6);
  }
  return best;
}

}  // namespace reenact::bench
