// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace reenact {

/// SHA-256 of some bytes, 64 hexadecimal digits.
std::string sha256_of_text(std::string_view bytes);
/// SHA-256 of a file's content. Throws Error (unreadable) naming the file.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace reenact
