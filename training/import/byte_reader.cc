// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/import/byte_reader.h"

#include <algorithm>

#include "reenact/error.h"

namespace reenact::training {

std::span<const std::byte> ByteReader::take(std::uint64_t count) {
  if (count > remaining())
    throw Error(ErrorCode::corrupt, source_ + " is truncated or damaged: at byte " +
                                        std::to_string(position_) + " it claims " + std::to_string(count) +
                                        " more bytes and has " + std::to_string(remaining()));
  const auto taken = bytes_.subspan(position_, static_cast<std::size_t>(count));
  position_ += taken.size();
  return taken;
}

std::string_view ByteReader::take_text(std::uint64_t count) {
  const auto taken = take(count);
  return {reinterpret_cast<const char*>(taken.data()), taken.size()};
}

std::string_view ByteReader::take_line(std::size_t limit) {
  const auto window = bytes_.subspan(position_, std::min(limit, remaining()));
  const auto newline = std::find(window.begin(), window.end(), std::byte{'\n'});
  if (newline == window.end())
    throw Error(ErrorCode::corrupt, source_ + " is damaged: the name at byte " + std::to_string(position_) +
                                        " does not end within " + std::to_string(limit) + " bytes");
  const auto line = take_text(static_cast<std::uint64_t>(newline - window.begin()));
  ++position_;
  return line;
}

std::string quoted(const std::filesystem::path& path) {
  std::string text(1, '\'');
  return text.append(path.string()).append(1, '\'');
}

std::string printable(std::string_view text) {
  constexpr std::size_t longest = 80;
  std::string shown(text.substr(0, longest));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text.size() > longest ? shown + "..." : shown;
}

}  // namespace reenact::training
