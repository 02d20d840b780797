// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

namespace reenact::training {

/// The progress line of a training run: step of total, samples a second, time left, running averages of the
/// losses.
///
/// On a terminal one line is rewritten every second; elsewhere (a log file) a new line comes every ten
/// seconds. The last step is always shown.
class Progress {
 public:
  /// `first_step` is the number of steps already done (0, or where a resumed run goes on).
  Progress(std::int64_t total_steps, std::int64_t first_step, std::FILE* out);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// After a step: `step` is the number of steps done so far, `losses` the values of this step.
  void update(std::int64_t step, std::int64_t samples_in_step, const std::map<std::string, double>& losses);
  /// Running averages (about the last 100 steps) of the losses.
  const std::map<std::string, double>& averages() const { return averages_; }
  /// Samples a second since the line before, 0 before the first line.
  double samples_per_second() const { return samples_per_second_; }

 private:
  using Clock = std::chrono::steady_clock;
  void print(std::int64_t step, Clock::time_point now);

  std::int64_t total_steps_, last_printed_step_;
  std::int64_t samples_since_print_ = 0;
  std::FILE* out_;
  bool terminal_, line_open_ = false;
  Clock::time_point last_print_;
  double samples_per_second_ = 0, seconds_per_step_ = 0;
  std::map<std::string, double> averages_;
  std::map<std::string, std::int64_t> counts_;
};

}  // namespace reenact::training
