// SPDX-License-Identifier: LGPL-2.1-or-later
// Measures a live pipeline: lateness against the latency reported, frames lost, freezes, jumps of the audio, and flash
// against beep at the sinks. docs/reliability.md says how it is used and what it measured.
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "live_stream.h"

namespace {

constexpr const char* usage =
    "measure-live [--fps N] [--seconds S] [--load THREADS] [--streams N] [--no-sync] [--clip FILE]\n"
    "             [--size WIDTHxHEIGHT] [--chain DESCRIPTION]\n";

/// Threads that keep so many cores busy while it lives.
class Load {
 public:
  explicit Load(int threads) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this] {
        volatile unsigned turns = 0;
        while (!ending_.load(std::memory_order_relaxed)) turns = turns + 1;
      });
    }
  }
  ~Load() {
    ending_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

  /// That its threads have used so far.
  double cpu_seconds() const {
    double sum = 0;
    for (std::thread& thread : threads_) {
      clockid_t clock{};
      timespec time{};
      if (pthread_getcpuclockid(thread.native_handle(), &clock) == 0 && clock_gettime(clock, &time) == 0)
        sum += double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
    }
    return sum;
  }

 private:
  std::atomic<bool> ending_ = false;
  mutable std::vector<std::thread> threads_;
};

/// That this process has used.
double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return double(time.tv_sec) + 1e-6 * double(time.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  reenact::soak::LiveOptions options;
  options.chain = "reenactbin name=r background=driver";
  double seconds = 12;
  int load = 0, streams = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--no-sync") {
      options.sync = false;
      continue;
    }
    if (i + 1 == argc) return std::cerr << usage, 2;
    const std::string value = argv[++i];
    if (argument == "--fps")
      options.frames_per_second = std::atoi(value.c_str());
    else if (argument == "--seconds")
      seconds = std::atof(value.c_str());
    else if (argument == "--load")
      load = std::atoi(value.c_str());
    else if (argument == "--streams")
      streams = std::atoi(value.c_str());
    else if (argument == "--clip")
      options.clip = value;
    else if (argument == "--chain")
      options.chain = value;
    else if (argument == "--size" &&
             std::sscanf(value.c_str(), "%dx%d", &options.width, &options.height) == 2)
      continue;
    else
      return std::cerr << usage, 2;
  }
  try {
    const Load busy(load);
    const auto frames = load_frames(options);
    std::vector<std::unique_ptr<reenact::soak::LiveStream>> all;
    for (int i = 0; i < streams; ++i)
      all.push_back(std::make_unique<reenact::soak::LiveStream>(options, frames));
    // The threads of `busy` are not ours.
    const auto used_so_far = [&busy] { return cpu_seconds() - busy.cpu_seconds(); };
    const double began = used_so_far();
    std::vector<std::thread> threads;
    for (auto& stream : all) {
      threads.emplace_back([&stream, seconds] {
        stream->start();
        stream->run(seconds);
      });
    }
    for (std::thread& thread : threads) thread.join();
    const double used = used_so_far() - began;
    bool failed = false;
    int shown = 0;
    for (auto& stream : all) {
      const auto report = stream->stop();
      std::cout << to_text(report);
      failed = failed || !report.error.empty();
      shown += report.shown;
    }
    std::cout << "processor: " << used / seconds << " cores used, loading included, "
              << 1000 * used / std::max(1, shown) << " ms a picture shown; " << shown / seconds
              << " pictures a second\n";
    return failed;
  } catch (const std::exception& error) {
    std::cerr << "measure-live: " << error.what() << "\n";
    return 1;
  }
}
