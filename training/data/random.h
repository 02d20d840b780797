// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <random>

// The few draws that samplers and augmentations make.
namespace reenact::training {

using Random = std::mt19937_64;

/// Uniform in [low, high).
inline double uniform(Random& random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}

/// Uniform among low, low + 1, ..., high.
inline int uniform_int(Random& random, int low, int high) {
  return std::uniform_int_distribution<int>(low, high)(random);
}

/// True with this probability.
inline bool happens(Random& random, double probability) {
  return uniform(random, 0, 1) < probability;
}

/// One element of a list that is not empty.
template <typename List>
const typename List::value_type& pick(const List& list, Random& random) {
  return list[std::uniform_int_distribution<std::size_t>(0, list.size() - 1)(random)];
}

/// A generator of one sample's own: the same for a run's seed, the step and the sample's number in it.
inline Random random_of(std::uint64_t seed, std::int64_t step, int sample) {
  std::seed_seq sequence{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                         static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32),
                         static_cast<std::uint32_t>(sample)};
  return Random(sequence);
}

}  // namespace reenact::training
