// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <exception>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace reenact::bench {

/// One engine in a comparison.
struct Contestant {
  std::string engine;     ///< "reference", "torch" or "cpu"
  std::string precision;  ///< what really runs
  int threads = 1;
  double operations = 0;  ///< arithmetic operations of one run, 0 if not counted
  double peak_gflops =
      0;            ///< what this machine reaches in that precision with these threads, 0 if not measured
  double psnr = 0;  ///< against fp32, dB; 0 if it does not apply
  std::function<void()> run = {};
  std::string error = {};  ///< why it cannot run; empty when it can
};

/// Runs all contestants in turn, `rounds` times after a round of warming up, so that whatever else the
/// machine does meets all of them alike; each runs twice, as in a stream of pictures, and the second time
/// counts. One JSON object each, with the fields median_ms, p95_ms, fps, ratio (the first contestant's time
/// over this one's: the median over rounds of the two neighbours' quotient), gflops, peak_gflops, psnr, engine,
/// precision, threads, cpu. Fields that do not apply are null. A contestant
/// that has an error or whose run throws gets a line as error_line() makes it, and the others go on.
std::vector<nlohmann::ordered_json> compare(const std::string& name, std::vector<Contestant>& contestants,
                                            int rounds);

/// The first line of what went wrong: LibTorch adds where it was called from.
std::string in_one_line(const std::exception& error);
/// The line of an engine that failed: fields case, engine, precision, error.
nlohmann::ordered_json error_line(const std::string& name, const std::string& engine,
                                  const std::string& precision, const std::string& error);

/// GFLOP/s (GOP/s for int8) of a 256 to 256 channel 3x3 convolution in a core's cache, times threads.
double measure_peak(const std::string& precision, int threads);

}  // namespace reenact::bench
