// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace reenact::test {

/// Writes zip archives field by field, so that each field can lie.
class ZipWriter {
 public:
  struct Entry {
    std::string name, data;
    std::uint16_t method = 0;                    ///< 0 stored, 8 deflated
    std::uint16_t flags = 0;                     ///< 1 encrypted
    std::optional<std::uint32_t> checksum = {};  ///< another than the right one
    std::optional<std::uint32_t> size = {};      ///< uncompressed size claimed, 0xffffffff: see size64
    std::optional<std::uint64_t> size64 = {};    ///< written as a zip64 extra field
    std::optional<std::uint32_t> offset = {};    ///< of the local header claimed
    bool only_listed = false;                    ///< in the directory, not in the file
  };
  std::vector<Entry> entries;
  std::optional<std::uint16_t> entry_count;  ///< claimed at the end of the directory
  std::optional<std::uint32_t> directory_size, directory_offset;

  std::string bytes() const {
    std::string file, directory;
    for (const auto& entry : entries) {
      const auto offset = entry.offset.value_or(static_cast<std::uint32_t>(file.size()));
      if (!entry.only_listed) {
        put(file, std::uint32_t{0x04034b50});
        put_common(file, entry);
        put(file, std::uint16_t{0});
        file += entry.name + entry.data;
      }

      put(directory, std::uint32_t{0x02014b50});
      put(directory, std::uint16_t{45});
      put_common(directory, entry);
      std::string extra;
      if (entry.size64) {
        put(extra, std::uint16_t{1});
        put(extra, std::uint16_t{16});
        put(extra, *entry.size64);
        put(extra, *entry.size64);
      }
      put(directory, static_cast<std::uint16_t>(extra.size()));
      put(directory, std::uint16_t{0});
      put(directory, std::uint16_t{0});
      put(directory, std::uint16_t{0});
      put(directory, std::uint32_t{0});
      put(directory, offset);
      directory += entry.name + extra;
    }
    std::string end;
    put(end, std::uint32_t{0x06054b50});
    put(end, std::uint32_t{0});
    const auto count = entry_count.value_or(static_cast<std::uint16_t>(entries.size()));
    put(end, count);
    put(end, count);
    put(end, directory_size.value_or(static_cast<std::uint32_t>(directory.size())));
    put(end, directory_offset.value_or(static_cast<std::uint32_t>(file.size())));
    put(end, std::uint16_t{0});
    return file + directory + end;
  }

 private:
  template <typename Number>
  static void put(std::string& to, Number number) {
    char buffer[sizeof number];
    std::memcpy(buffer, &number, sizeof number);
    to.append(buffer, sizeof number);
  }
  /// The fields that a local header and a directory entry share.
  static void put_common(std::string& to, const Entry& entry) {
    put(to, std::uint16_t{20});
    put(to, entry.flags);
    put(to, entry.method);
    put(to, std::uint32_t{0x00210000});
    put(to, entry.checksum.value_or(crc32(entry.data)));
    const std::uint32_t marker = 0xffffffff;
    put(to, entry.size64 ? marker : static_cast<std::uint32_t>(entry.data.size()));
    put(to, entry.size64 ? marker : entry.size.value_or(static_cast<std::uint32_t>(entry.data.size())));
    put(to, static_cast<std::uint16_t>(entry.name.size()));
  }
  static std::uint32_t crc32(const std::string& data) {
    std::uint32_t remainder = 0xffffffff;
    for (const unsigned char byte : data) {
      remainder ^= byte;
      for (int bit = 0; bit < 8; ++bit) remainder = (remainder >> 1) ^ (remainder & 1 ? 0xedb88320u : 0u);
    }
    return ~remainder;
  }
};

}  // namespace reenact::test
