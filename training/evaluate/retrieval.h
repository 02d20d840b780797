// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reenact::training {

/// A picture that is searched for and among, as Table 1 of the paper does.
struct RetrievalEntry {
  std::string label;   ///< a match has the query's
  std::string group;   ///< pictures are sought within one, e.g. a camera
  std::string person;  ///< of the picture
  std::string
      shot;  ///< taken at once with others of the same name, person and group, e.g. under other flashes
};

/// What is left out of the pictures that a query is compared with.
enum class RetrievalExclusion {
  picture,  ///< the query itself
  shot,     ///< all pictures of its shot
  person    ///< all pictures of its person
};

/// The share of matches among the nearest, 0..1, in the order of the numbers asked for.
struct RetrievalResult {
  std::vector<double> accuracy;
  std::vector<double> standard_error;  ///< over the queries
  double chance = 0;                   ///< of a descriptor that knows nothing, for the same queries
  std::size_t queries = 0;
};

/// For `queries` pictures of each group, drawn with `seed` (all of a smaller group), the nearest by cosine within the group:
/// the ratio of those with the query's label over all queries. Where fewer than a number asked for are left to compare with,
/// as many as there are count. `vectors` [N][d]. Throws Error (invalid): nothing to compare with, or vectors of other lengths.
RetrievalResult retrieve(const std::vector<RetrievalEntry>& entries,
                         const std::vector<std::vector<float>>& vectors, const std::vector<int>& numbers,
                         RetrievalExclusion exclusion, std::size_t queries, std::uint64_t seed);

}  // namespace reenact::training
