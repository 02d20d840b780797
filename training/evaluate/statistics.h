// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

namespace reenact::training {

/// A mean and where it lies with 95 % confidence.
struct Interval {
  double mean = 0, low = 0, high = 0;
};
void to_json(nlohmann::json& json, const Interval& interval);

/// The mean of `values`, one a driver, and the interval that resampling the drivers gives (percentile bootstrap, 2000
/// draws, always the same ones). Throws Error (invalid) when there are none.
Interval bootstrap_mean(const std::vector<double>& values);

double mean_of(const std::vector<double>& values);
double median_of(std::vector<double> values);
/// Standard deviation, of all values.
double deviation_of(const std::vector<double>& values);
/// Pearson's; 0 when one of them does not vary. Both lists have one length.
double correlation_of(const std::vector<double>& first, const std::vector<double>& second);
/// Root of the mean square of second differences: what trembles, not what moves. 0 for fewer than three values.
double tremble_of(const std::vector<double>& values);
/// Of a driver, as a share of the face or of the distance between its eyes; less is the rounding of a network that sees one
/// picture twice.
inline constexpr double least_tremble = 1e-6;

}  // namespace reenact::training
