// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <vector>

#include "reenact/export.h"
#include "reenact/one_euro_filter.h"
#include "reenact/reference_finder.h"

namespace reenact {

struct PoseFilterOptions {
  double min_cutoff = 0;  ///< of the One-Euro filter at rest, Hz; 0: nothing is smoothed
  double beta = 1;        ///< Hz it opens by when a pose moves by its own length in a second
  double strength =
      1;  ///< how far poses lie from their mean: 0 stands still, 1 as they came, more exaggerates
  double most_deviation = 0;  ///< from the mean, in lengths of it; 0: no limit
  double most_speed = 0;      ///< lengths of the mean a second; 0: no limit
  double hold_seconds = 0;    ///< for which the last pose stands in when nobody is seen
  double ease_seconds = 0;    ///< in which a pose that was held goes over into those that come again
};

/// Makes a stream of poses smoother, larger, smaller or gentler, and carries it over gaps. As its options are at first, it
/// changes nothing, bit for bit.
class PoseFilter {
 public:
  /// Other options from the next pose on, without a jump.
  void set_options(const PoseFilterOptions& options) { options_ = options; }
  /// The pose to show at `sighting.seconds` for `pose` [d_p]; empty: nobody is seen, and then the one held, or empty again.
  /// Valid until the next call. A pose of another length begins a stream anew.
  REENACT_API std::span<const float> filter(std::span<const float> pose, const Sighting& sighting);
  REENACT_API void reset();

 private:
  void begin(std::span<const float> pose);
  void smooth(double seconds);
  void change_strength(const Sighting& sighting);
  void limit_speed(double seconds);
  std::span<const float> hold(double now);
  void ease(double now);

  PoseFilterOptions options_;
  std::vector<float> pose_, shown_, held_;  // as filtered so far; what was shown last; what was held
  std::vector<OneEuroFilter> one_euro_;
  double scale_ = 1;  // length of the stream's first pose
  ReferenceFinder reference_;
  double last_seconds_ = -1;
  double gap_begin_ = -1, gap_end_ = -1;
};

}  // namespace reenact
