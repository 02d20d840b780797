// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/statistics.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>

#include "reenact/error.h"

namespace reenact::training {

void to_json(nlohmann::json& json, const Interval& interval) {
  json = {{"mean", interval.mean}, {"low", interval.low}, {"high", interval.high}};
}

Interval bootstrap_mean(const std::vector<double>& values) {
  if (values.empty()) throw Error(ErrorCode::invalid, "nothing was measured, wanted at least one driver");
  constexpr std::size_t draws = 2000;
  std::mt19937_64 random(95);
  std::uniform_int_distribution<std::size_t> any(0, values.size() - 1);
  std::vector<double> means(draws);
  for (auto& mean : means) {
    for (std::size_t i = 0; i < values.size(); ++i) mean += values[any(random)];
    mean /= static_cast<double>(values.size());
  }
  std::sort(means.begin(), means.end());
  return {mean_of(values), means[draws * 25 / 1000], means[draws * 975 / 1000 - 1]};
}

double mean_of(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double deviation_of(const std::vector<double>& values) {
  const double mean = mean_of(values);
  double square = 0;
  for (const double value : values) square += (value - mean) * (value - mean);
  return values.empty() ? 0 : std::sqrt(square / static_cast<double>(values.size()));
}

double correlation_of(const std::vector<double>& first, const std::vector<double>& second) {
  const double a = mean_of(first), b = mean_of(second), spread = deviation_of(first) * deviation_of(second);
  if (spread <= 0) return 0;
  double product = 0;
  for (std::size_t i = 0; i < first.size(); ++i) product += (first[i] - a) * (second[i] - b);
  return product / static_cast<double>(first.size()) / spread;
}

double tremble_of(const std::vector<double>& values) {
  if (values.size() < 3) return 0;
  double square = 0;
  for (std::size_t i = 2; i < values.size(); ++i)
    square += std::pow(values[i] - 2 * values[i - 1] + values[i - 2], 2);
  return std::sqrt(square / static_cast<double>(values.size() - 2));
}

}  // namespace reenact::training
