// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

namespace reenact::training {

/// How well scores tell pairs of one person from pairs of two.
struct VerificationFigures {
  double equal_error_rate =
      0.5;               ///< where as large a share of one kind is refused as of the other accepted, 0..1
  double threshold = 0;  ///< the score there
  double area_under_curve = 0.5;  ///< probability that a pair of one person scores higher than one of two
};

/// `same` and `different`: scores of the two kinds of pairs, higher = more alike; equal scores count half. Between two
/// thresholds the error rates are joined by a straight line. Throws Error (invalid) when one list is empty.
VerificationFigures verification_figures(std::vector<double> same, std::vector<double> different);

}  // namespace reenact::training
