// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace reenact {

/// The One-Euro filter for one value: smooth when slow, quick when fast. Algorithm 1 of Casiez et al., CHI
/// 2012, with the speed taken from the filtered value before, as there.
class OneEuroFilter {
 public:
  /// `min_cutoff` Hz at rest, `beta` Hz per unit of speed, `derivative_cutoff` Hz.
  explicit OneEuroFilter(double min_cutoff = 1.0, double beta = 0.0, double derivative_cutoff = 1.0);
  /// Other parameters from the next sample on, without a jump.
  void tune(double min_cutoff, double beta, double derivative_cutoff);
  /// `seconds` since the previous sample; the first sample passes unchanged, seconds <= 0 is read as 1/30.
  double filter(double value, double seconds);
  void reset();

 private:
  double min_cutoff_, beta_, derivative_cutoff_;
  double value_ = 0, derivative_ = 0;
  bool started_ = false;
};

}  // namespace reenact
