// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "reenact/model_file.h"
#include "torch/backend/execution.h"

namespace reenact {

/// Keeps one loaded copy of a network for all who use it, as long as somebody does.
template <typename Network>
class WeightCache {
 public:
  using Loader = std::function<std::shared_ptr<Network>()>;

  /// The network of that file on that device and precision; `load` is called when nobody holds it.
  std::shared_ptr<Network> get(const ModelFile& file, const Execution& execution, const Loader& load) {
    const auto written = std::filesystem::last_write_time(file.path()).time_since_epoch().count();
    const auto key = std::filesystem::weakly_canonical(file.path()).string() + '|' + std::to_string(written) +
                     '|' + execution.device_name() + '|' + execution.engine_name();
    std::lock_guard lock(mutex_);
    if (auto network = networks_[key].lock()) return network;
    auto network = load();
    networks_[key] = network;
    return network;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Network>> networks_;
};

}  // namespace reenact
