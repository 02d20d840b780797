// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace reenact::training {
namespace {

constexpr double shortest_averaging_weight = 0.01;  // about the last hundred steps

std::string format(const char* pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

std::string duration(double seconds) {
  const auto total = static_cast<long long>(std::min(seconds, 1e9) + 0.5);
  char text[64];
  if (total >= 3600)
    std::snprintf(text, sizeof text, "%lld h %02lld min", total / 3600, total / 60 % 60);
  else
    std::snprintf(text, sizeof text, "%lld min %02lld s", total / 60, total % 60);
  return text;
}

std::size_t terminal_width(std::FILE* out) {
  winsize size{};
  return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

Progress::Progress(std::int64_t total_steps, std::int64_t first_step, std::FILE* out)
    : total_steps_(total_steps),
      last_printed_step_(first_step),
      out_(out),
      terminal_(isatty(fileno(out)) == 1),
      last_print_(Clock::now()) {}

Progress::~Progress() {
  if (line_open_) std::fputc('\n', out_);
  std::fflush(out_);
}

void Progress::update(std::int64_t step, std::int64_t samples_in_step,
                      const std::map<std::string, double>& losses) {
  samples_since_print_ += samples_in_step;
  for (const auto& [name, value] : losses) {
    const double weight = std::max(1.0 / static_cast<double>(++counts_[name]), shortest_averaging_weight);
    double& average = averages_[name];
    // A value that is not finite must be seen once, and must not stay in the average for ever.
    average = std::isfinite(average) && std::isfinite(value) ? average + weight * (value - average) : value;
  }
  const auto now = Clock::now();
  const auto interval = std::chrono::seconds(terminal_ ? 1 : 10);
  if (step >= total_steps_ || now - last_print_ >= interval) print(step, now);
}

void Progress::print(std::int64_t step, Clock::time_point now) {
  const double seconds = std::chrono::duration<double>(now - last_print_).count();
  const auto steps = static_cast<double>(step - last_printed_step_);
  if (steps > 0 && seconds > 0) {
    samples_per_second_ = static_cast<double>(samples_since_print_) / seconds;
    const double per_step = seconds / steps;
    seconds_per_step_ = seconds_per_step_ > 0 ? 0.8 * seconds_per_step_ + 0.2 * per_step : per_step;
  }
  last_print_ = now;
  last_printed_step_ = step;
  samples_since_print_ = 0;

  const auto left = static_cast<double>(std::max<std::int64_t>(0, total_steps_ - step));
  std::string line = "step " + std::to_string(step) + "/" + std::to_string(total_steps_) + "  " +
                     format("%.3g", samples_per_second_) + " samples/s  " +
                     duration(left * seconds_per_step_) + " left";
  for (const auto& [name, average] : averages_) line += "  " + name + " " + format("%.4g", average);

  if (terminal_) {
    line.resize(std::min(line.size(), terminal_width(out_) - 1));
    std::fprintf(out_, "\r%s\033[K", line.c_str());
    line_open_ = true;
  } else {
    std::fprintf(out_, "%s\n", line.c_str());
  }
  std::fflush(out_);
}

}  // namespace reenact::training
