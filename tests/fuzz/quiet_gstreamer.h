// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "fuzz_target.h"

namespace reenact::test {

/// Starts GStreamer, once, and has it say nothing: its own parser complains of names that are none.
inline void start_quiet_gstreamer() {
  static const bool ready = [] {
    g_log_set_default_handler([](const gchar*, GLogLevelFlags, const gchar*, gpointer) {}, nullptr);
    return gst_init_check(nullptr, nullptr, nullptr);
  }();
  require(ready, "GStreamer starts");
}

}  // namespace reenact::test
