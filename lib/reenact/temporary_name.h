// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>

namespace reenact {

/// Where a file is written before it is renamed to `target`: beside it, by a name that no other writer takes. Of a name of
/// nearly 255 bytes, as many as a file system takes, the end is left out.
inline std::filesystem::path temporary_name_for(const std::filesystem::path& target) {
  static std::atomic<unsigned> counter{0};
  constexpr std::size_t longest = 255;
  const std::string ending = ".part-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
  const std::string name = target.filename().string();
  return target.parent_path() / (name.substr(0, longest - ending.size()) + ending);
}

}  // namespace reenact
