// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/autocast_mode.h>
#include <torch/version.h>

namespace reenact {

/// For a scope, operations on a kind of device compute in `type` where LibTorch thinks them fit for it;
/// float32 means none do. Backward passes belong outside of the scope.
class Autocast {
 public:
  Autocast(at::DeviceType device, at::ScalarType type)
      : device_(device), previous_(is_enabled()), counted_(type != at::kFloat) {
    set_enabled(counted_);
    if (!counted_) return;
    set_type(type);
    at::autocast::increment_nesting();
  }
  ~Autocast() {
    if (counted_ && at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    set_enabled(previous_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
#if TORCH_VERSION_MAJOR >= 2 && (TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 4)
  bool is_enabled() const {
    return at::autocast::is_autocast_enabled(device_);
  }
  void set_enabled(bool enabled) const {
    at::autocast::set_autocast_enabled(device_, enabled);
  }
  void set_type(at::ScalarType type) const {
    at::autocast::set_autocast_dtype(device_, type);
  }
#else
  bool on_cpu() const {
    return device_ == at::kCPU;
  }
  bool is_enabled() const {
    return on_cpu() ? at::autocast::is_cpu_enabled() : at::autocast::is_enabled();
  }
  void set_enabled(bool enabled) const {
    on_cpu() ? at::autocast::set_cpu_enabled(enabled) : at::autocast::set_enabled(enabled);
  }
  void set_type(at::ScalarType type) const {
    on_cpu() ? at::autocast::set_autocast_cpu_dtype(type) : at::autocast::set_autocast_gpu_dtype(type);
  }
#endif
  at::DeviceType device_;
  bool previous_, counted_;
};

}  // namespace reenact
