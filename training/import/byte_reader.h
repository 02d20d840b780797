// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace reenact::training {

/// Takes little-endian values off a span of bytes and never looks beyond its end.
class ByteReader {
 public:
  /// `source` names the bytes in messages, e.g. the file's path.
  ByteReader(std::span<const std::byte> bytes, std::string source)
      : bytes_(bytes), source_(std::move(source)) {}

  const std::string& source() const { return source_; }
  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }

  /// The next `count` bytes. Throws Error (corrupt) when fewer are left.
  std::span<const std::byte> take(std::uint64_t count);
  std::string_view take_text(std::uint64_t count);
  /// Up to and without the next newline, which is skipped. Throws Error (corrupt) when none comes within
  /// `limit` bytes.
  std::string_view take_line(std::size_t limit);

  template <typename Number>
  Number take_number() {
    static_assert(std::is_arithmetic_v<Number> && std::endian::native == std::endian::little);
    Number number;
    std::memcpy(&number, take(sizeof(Number)).data(), sizeof(Number));
    return number;
  }

 private:
  std::span<const std::byte> bytes_;
  std::string source_;
  std::size_t position_ = 0;
};

/// A path in quotes, as messages begin.
std::string quoted(const std::filesystem::path& path);

/// Text from a file, fit for a message on a terminal: printable ASCII, at most 80 characters.
std::string printable(std::string_view text);

}  // namespace reenact::training
