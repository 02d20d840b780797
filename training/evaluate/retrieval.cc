// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/retrieval.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <utility>

#include "reenact/error.h"
#include "training/evaluate/statistics.h"

namespace reenact::training {
namespace {

bool is_left_out(const RetrievalEntry& query, const RetrievalEntry& other, RetrievalExclusion exclusion) {
  if (exclusion == RetrievalExclusion::picture || query.person != other.person) return false;
  return exclusion == RetrievalExclusion::person || query.shot == other.shot;
}

std::vector<std::vector<float>> unit_vectors(const std::vector<std::vector<float>>& vectors) {
  auto units = vectors;
  for (auto& vector : units) {
    if (vector.size() != units.front().size())
      throw Error(ErrorCode::invalid, "descriptors have " + std::to_string(units.front().size()) + " and " +
                                          std::to_string(vector.size()) + " numbers, wanted one length");
    double square = 0;
    for (const float value : vector) square += double(value) * value;
    const auto scale = static_cast<float>(1 / std::sqrt(std::max(square, 1e-30)));
    for (float& value : vector) value *= scale;
  }
  return units;
}

/// The matches of one query.
struct QueryMatches {
  std::vector<double> shares;  // among the nearest, by number
  double chance = 0;
};

QueryMatches matches_of(std::size_t query, const std::vector<std::size_t>& group,
                        const std::vector<RetrievalEntry>& entries,
                        const std::vector<std::vector<float>>& units, const std::vector<int>& numbers,
                        RetrievalExclusion exclusion) {
  std::vector<std::pair<float, bool>> others;  // likeness and match
  for (const std::size_t other : group) {
    if (other == query || is_left_out(entries[query], entries[other], exclusion)) continue;
    const float likeness =
        std::inner_product(units[query].begin(), units[query].end(), units[other].begin(), 0.0f);
    others.emplace_back(likeness, entries[other].label == entries[query].label);
  }
  QueryMatches matches;
  if (others.empty()) return matches;
  const auto among = [&](std::size_t count) {
    const auto right = std::count_if(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(count),
                                     [](const auto& other) { return other.second; });
    return static_cast<double>(right) / static_cast<double>(count);
  };
  matches.chance = among(others.size());
  std::stable_sort(others.begin(), others.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const int number : numbers)
    matches.shares.push_back(among(std::min(others.size(), static_cast<std::size_t>(number))));
  return matches;
}

}  // namespace

RetrievalResult retrieve(const std::vector<RetrievalEntry>& entries,
                         const std::vector<std::vector<float>>& vectors, const std::vector<int>& numbers,
                         RetrievalExclusion exclusion, std::size_t queries, std::uint64_t seed) {
  if (entries.size() != vectors.size())
    throw Error(ErrorCode::invalid, "there are " + std::to_string(vectors.size()) + " descriptors of " +
                                        std::to_string(entries.size()) + " pictures, wanted one of each");
  const auto units = unit_vectors(vectors);
  std::map<std::string, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < entries.size(); ++i) groups[entries[i].group].push_back(i);
  std::mt19937_64 random(seed);
  std::vector<std::vector<double>> shares(numbers.size());
  RetrievalResult result;
  for (const auto& [name, group] : groups) {
    auto chosen = group;
    std::shuffle(chosen.begin(), chosen.end(), random);
    if (queries > 0 && chosen.size() > queries) chosen.resize(queries);
    for (const std::size_t query : chosen) {
      const auto matches = matches_of(query, group, entries, units, numbers, exclusion);
      if (matches.shares.empty()) continue;
      ++result.queries;
      result.chance += matches.chance;
      for (std::size_t n = 0; n < numbers.size(); ++n) shares[n].push_back(matches.shares[n]);
    }
  }
  if (result.queries == 0)
    throw Error(ErrorCode::invalid,
                "no picture is left to compare another with, wanted at least two in a group");
  const auto count = static_cast<double>(result.queries);
  result.chance /= count;
  for (const auto& list : shares) {
    result.accuracy.push_back(mean_of(list));
    result.standard_error.push_back(deviation_of(list) / std::sqrt(count));
  }
  return result;
}

}  // namespace reenact::training
