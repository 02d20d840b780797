// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offline/sha256.h"

#include <glib.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "reenact/error.h"

namespace reenact {
namespace {

using Checksum = std::unique_ptr<GChecksum, decltype(&g_checksum_free)>;

Checksum new_checksum() {
  return {g_checksum_new(G_CHECKSUM_SHA256), g_checksum_free};
}

}  // namespace

std::string sha256_of_text(std::string_view bytes) {
  const auto checksum = new_checksum();
  g_checksum_update(checksum.get(), reinterpret_cast<const guchar*>(bytes.data()),
                    static_cast<gssize>(bytes.size()));
  return g_checksum_get_string(checksum.get());
}

std::string sha256_of_file(const std::filesystem::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  const auto checksum = new_checksum();
  std::vector<guchar> block(1 << 18);
  while (file) {
    const auto count = std::fread(block.data(), 1, block.size(), file.get());
    g_checksum_update(checksum.get(), block.data(), static_cast<gssize>(count));
    if (count < block.size()) break;
  }
  if (!file || std::ferror(file.get()))
    throw Error(ErrorCode::unreadable, "cannot read '" + path.string() + "' for its SHA-256");
  return g_checksum_get_string(checksum.get());
}

}  // namespace reenact
