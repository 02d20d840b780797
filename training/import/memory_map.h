// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace reenact::training {

/// A whole file, read-only, in memory. Throws Error: not_found, unreadable, corrupt (empty).
class MemoryMap {
 public:
  explicit MemoryMap(const std::filesystem::path& path);
  ~MemoryMap();
  MemoryMap(const MemoryMap&) = delete;
  MemoryMap& operator=(const MemoryMap&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace reenact::training
