// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace reenact {

/// Replaces `path` through a temporary file in the same folder, fsync and rename: an interrupted or failed
/// write leaves the file that was there. Creates the folder. Throws Error (unreadable) naming the file and
/// the reason.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace reenact
