// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "training/evaluate/identity_evaluation.h"

namespace reenact::training {

/// How well one series follows another, movement by movement.
struct Following {
  /// Of each of expression_groups(); not a number where the driver hardly moves: it would be that of the noise.
  std::vector<double> correlations;
  /// Mean over the groups of the mean absolute difference, as it is and after each series' own mean.
  double difference = 0, moved_difference = 0;
  double tremble = 1;  ///< what trembles of `drawn` over what does of `driver`, mean over the groups
};
/// Both [frames][groups], as expression_measures() gives them, of one length.
Following compare_movements(const std::vector<std::vector<double>>& driver,
                            const std::vector<std::vector<double>>& drawn);

/// How well drawn heads follow the driver in expression and bearing, by the landmark network. The first `frames` of each
/// clip, one after the other; 0: all. Intervals by resampling the drivers.
HeadReport evaluate_follow(DrivenHeads& heads, LandmarkNetwork& landmarks, std::size_t frames);

}  // namespace reenact::training
