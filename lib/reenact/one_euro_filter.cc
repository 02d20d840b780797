// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/one_euro_filter.h"

#include <cmath>
#include <numbers>

namespace reenact {
namespace {

constexpr double usual_interval = 1.0 / 30.0;

/// Weight of the new sample in a first-order low-pass filter of that cutoff (equation 3 of the paper).
double weight(double cutoff, double seconds) {
  const double time_constant = 1.0 / (2.0 * std::numbers::pi * cutoff);
  return 1.0 / (1.0 + time_constant / seconds);
}

}  // namespace

OneEuroFilter::OneEuroFilter(double min_cutoff, double beta, double derivative_cutoff)
    : min_cutoff_(min_cutoff), beta_(beta), derivative_cutoff_(derivative_cutoff) {}

void OneEuroFilter::tune(double min_cutoff, double beta, double derivative_cutoff) {
  min_cutoff_ = min_cutoff;
  beta_ = beta;
  derivative_cutoff_ = derivative_cutoff;
}

double OneEuroFilter::filter(double value, double seconds) {
  if (!started_) {
    started_ = true;
    derivative_ = 0;
    return value_ = value;
  }
  if (!(seconds > 0)) seconds = usual_interval;
  const double derivative = (value - value_) / seconds;
  derivative_ += weight(derivative_cutoff_, seconds) * (derivative - derivative_);
  const double cutoff = min_cutoff_ + beta_ * std::abs(derivative_);
  value_ += weight(cutoff, seconds) * (value - value_);
  return value_;
}

void OneEuroFilter::reset() {
  started_ = false;
}

}  // namespace reenact
