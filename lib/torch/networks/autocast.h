// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/autocast_mode.h>
#include <torch/version.h>

namespace reenact {

/// Switches bfloat16 autocasting on the CPU on or off for a scope; backward passes belong outside of it.
class CpuAutocast {
 public:
  explicit CpuAutocast(bool enabled) : previous_(is_enabled()) {
    set_enabled(enabled);
    if (enabled) at::autocast::increment_nesting();
    counted_ = enabled;
  }
  ~CpuAutocast() {
    if (counted_ && at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    set_enabled(previous_);
  }
  CpuAutocast(const CpuAutocast&) = delete;
  CpuAutocast& operator=(const CpuAutocast&) = delete;

 private:
#if TORCH_VERSION_MAJOR >= 2 && (TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 4)
  static bool is_enabled() {
    return at::autocast::is_autocast_enabled(at::kCPU);
  }
  static void set_enabled(bool enabled) {
    at::autocast::set_autocast_enabled(at::kCPU, enabled);
    if (enabled) at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  }
#else
  static bool is_enabled() {
    return at::autocast::is_cpu_enabled();
  }
  static void set_enabled(bool enabled) {
    at::autocast::set_cpu_enabled(enabled);
  }
#endif
  bool previous_, counted_ = false;
};

}  // namespace reenact
