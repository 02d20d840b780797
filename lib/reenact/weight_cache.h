// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>

#include "reenact/model_file.h"

namespace reenact {

/// Names what was made of a file: its path, its time and its size, since two files of one name are the same only until
/// one of them is written anew, and `what` was made, e.g. a network, device and precision. A file deleted in the meantime
/// has neither time nor size, which is a name as well.
inline std::string weight_key(const ModelFile& file, const std::string& what) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path path = fs::weakly_canonical(file.path(), ignored);
  const auto written = fs::last_write_time(path, ignored).time_since_epoch().count();
  const auto size = fs::file_size(path, ignored);
  return path.string() + '\n' + std::to_string(written) + '\n' + std::to_string(size) + '\n' + what;
}

/// Keeps one loaded copy of weights for all who use it, as long as somebody does. May be called from any thread.
template <typename Weights>
class WeightCache {
 public:
  /// The weights of that key; `load` makes a std::shared_ptr<Weights> when nobody holds them.
  template <typename Load>
  std::shared_ptr<Weights> get(const std::string& key, Load&& load) {
    // Held while loading: a second stream that wants the same weights waits for them instead of loading them again.
    const std::lock_guard lock(mutex_);
    if (const auto found = held_.find(key); found != held_.end()) {
      if (auto weights = found->second.lock()) return weights;
    }
    std::shared_ptr<Weights> weights = load();
    std::erase_if(held_, [](const auto& entry) { return entry.second.expired(); });
    held_[key] = weights;
    return weights;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Weights>> held_;
};

}  // namespace reenact
