// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/freed_memory.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <limits>

namespace reenact::training {

void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

void return_freed_memory() {
#ifdef __GLIBC__
  // The ends of its dynamic thresholds; see mallopt(3), M_MMAP_THRESHOLD.
  constexpr int largest_threshold = 32 << 20, mappings = 65536, padding = 128 << 10;
  mallopt(M_MMAP_MAX, mappings);
  mallopt(M_MMAP_THRESHOLD, largest_threshold);
  mallopt(M_TRIM_THRESHOLD, 2 * largest_threshold);
  mallopt(M_TOP_PAD, padding);
#endif
}

}  // namespace reenact::training
