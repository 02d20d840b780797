// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>

namespace reenact::bench {

/// The largest number from 1 to `most` for which `holds(number)` is true, 0 when it is not for 1; asks for twice as many
/// each time until it is false, then for numbers between. Supposes that what holds for a number holds for smaller ones.
template <typename Predicate>
int largest_that_holds(int most, const Predicate& holds) {
  int good = 0, bad = most + 1;
  for (int number = 1; number <= most && good + 1 < bad; number = std::min(2 * number, bad - 1)) {
    if (!holds(number)) {
      bad = number;
      break;
    }
    good = number;
  }
  while (good + 1 < bad) {
    const int middle = good + (bad - good) / 2;
    (holds(middle) ? good : bad) = middle;
  }
  return good;
}

}  // namespace reenact::bench
