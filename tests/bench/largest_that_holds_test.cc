// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/largest_that_holds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace reenact::bench {
namespace {

TEST(LargestThatHolds, IsTheLimitAndNoNumberIsAskedTwice) {
  for (const int most : {1, 2, 3, 7, 8, 64}) {
    for (int limit = 0; limit <= most + 2; ++limit) {
      std::vector<int> asked;
      const int found = largest_that_holds(most, [&](int number) {
        asked.push_back(number);
        return number <= limit;
      });
      EXPECT_EQ(found, std::min(limit, most)) << most;
      EXPECT_EQ(asked.front(), 1);
      EXPECT_LE(*std::max_element(asked.begin(), asked.end()), std::min(most, std::max(1, 2 * limit)));
      std::sort(asked.begin(), asked.end());
      EXPECT_EQ(std::adjacent_find(asked.begin(), asked.end()), asked.end()) << most << " " << limit;
    }
  }
}

}  // namespace
}  // namespace reenact::bench
