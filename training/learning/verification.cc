// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/verification.h"

#include <algorithm>

#include "reenact/error.h"

namespace reenact::training {

VerificationFigures verification_figures(std::vector<double> same, std::vector<double> different) {
  if (same.empty() || different.empty())
    throw Error(ErrorCode::invalid,
                "no pair of one person or none of two was found, wanted at least one of each");
  std::sort(same.begin(), same.end());
  std::sort(different.begin(), different.end());
  VerificationFigures figures;
  double higher = 0;
  for (const double score : same) {
    const auto [first, last] = std::equal_range(different.begin(), different.end(), score);
    higher += static_cast<double>(first - different.begin()) + 0.5 * static_cast<double>(last - first);
  }
  const auto same_count = static_cast<double>(same.size()),
             different_count = static_cast<double>(different.size());
  figures.area_under_curve = higher / (same_count * different_count);

  // From a threshold below all scores upwards: what is refused of `same` rises, what is accepted of `different` falls.
  std::vector<double> thresholds = same;
  thresholds.insert(thresholds.end(), different.begin(), different.end());
  std::sort(thresholds.begin(), thresholds.end());
  double refused = 0, accepted = 1;
  for (const double threshold : thresholds) {
    const auto up_to = [threshold](const std::vector<double>& scores) {
      return static_cast<double>(std::upper_bound(scores.begin(), scores.end(), threshold) - scores.begin());
    };
    const double next_refused = up_to(same) / same_count,
                 next_accepted = 1 - up_to(different) / different_count;
    if (next_refused >= next_accepted) {
      const double before = accepted - refused, after = next_accepted - next_refused;
      const double share = before > after ? before / (before - after) : 0;
      figures.equal_error_rate = refused + share * (next_refused - refused);
      figures.threshold = threshold;
      return figures;
    }
    refused = next_refused;
    accepted = next_accepted;
  }
  return figures;
}

}  // namespace reenact::training
