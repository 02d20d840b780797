// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/background_thread.h"

#if defined(__linux__)
#include <sys/resource.h>
#endif

namespace reenact {
namespace {

thread_local bool background = false;

}  // namespace

void become_background_thread() {
  background = true;
#if defined(__linux__)
  // A tenth of a core that others want as well. Linux lowers the calling thread alone, not its process.
  constexpr int steps = 10;
  setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + steps);
#endif
}

bool is_background_thread() {
  return background;
}

}  // namespace reenact
