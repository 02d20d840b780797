// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/orientation.h"

#include <array>
#include <cstdint>
#include <optional>

namespace reenact {
namespace {

using Bytes = std::span<const std::byte>;

std::uint32_t number_at(Bytes bytes, std::size_t offset, std::size_t length, bool little_endian) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < length; ++i) {
    const auto shift = 8 * (little_endian ? i : length - 1 - i);
    value |= std::to_integer<std::uint32_t>(bytes[offset + i]) << shift;
  }
  return value;
}

bool has_text(Bytes bytes, std::size_t offset, std::string_view text) {
  if (offset > bytes.size() || bytes.size() - offset < text.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (std::to_integer<unsigned char>(bytes[offset + i]) != static_cast<unsigned char>(text[i]))
      return false;
  return true;
}

constexpr std::string_view exif_signature("Exif\0\0", 6);

/// The EXIF block of the segment APP1, before the scan begins.
Bytes exif_of_jpeg(Bytes file) {
  constexpr std::uint32_t app1 = 0xffe1, start_of_scan = 0xffda;
  for (std::size_t at = 2; at + 4 <= file.size();) {
    const auto marker = number_at(file, at, 2, false);
    const std::size_t length = number_at(file, at + 2, 2, false);
    if (marker < 0xff00 || marker == start_of_scan || length < 2 || length > file.size() - at - 2) break;
    if (marker == app1 && length >= 2 + exif_signature.size() && has_text(file, at + 4, exif_signature))
      return file.subspan(at + 4 + exif_signature.size(), length - 2 - exif_signature.size());
    at += 2 + length;
  }
  return {};
}

/// The content of the first chunk of that name in a file of chunks: `length` and `name` in either order, content.
Bytes chunk_of(Bytes file, std::size_t first, std::string_view name, bool riff) {
  for (std::size_t at = first; at + 8 <= file.size();) {
    const std::size_t length = number_at(file, at + (riff ? 4 : 0), 4, riff);
    if (length > file.size() - at - 8) break;
    if (has_text(file, at + (riff ? 0 : 4), name)) return file.subspan(at + 8, length);
    at += 8 + length + (riff ? length % 2 : 4);  // RIFF pads to two bytes, PNG has a checksum
  }
  return {};
}

}  // namespace

cv::Mat turned_upright(const cv::Mat& picture, int orientation) {
  constexpr int top_to_bottom = 0, left_to_right = 1, both = -1;
  cv::Mat turned = picture, result;
  if (orientation >= 5 && orientation <= 8) cv::transpose(picture, turned);
  switch (orientation) {
    case 2:
    case 6:
      cv::flip(turned, result, left_to_right);
      return result;
    case 3:
    case 7:
      cv::flip(turned, result, both);
      return result;
    case 4:
    case 8:
      cv::flip(turned, result, top_to_bottom);
      return result;
    default:
      return turned;
  }
}

int orientation_of_tag(std::string_view tag) {
  constexpr std::array<std::string_view, 8> tags = {"rotate-0",        "flip-rotate-0",   "rotate-180",
                                                    "flip-rotate-180", "flip-rotate-270", "rotate-90",
                                                    "flip-rotate-90",  "rotate-270"};
  for (std::size_t i = 0; i < tags.size(); ++i)
    if (tags[i] == tag) return static_cast<int>(i) + 1;
  return upright_orientation;
}

int orientation_of_exif(Bytes tiff) {
  constexpr std::uint32_t orientation_tag = 0x112, short_type = 3;
  constexpr std::size_t header = 8, entry_bytes = 12;
  const bool little_endian = has_text(tiff, 0, "II");
  if (tiff.size() < header || (!little_endian && !has_text(tiff, 0, "MM"))) return upright_orientation;
  const std::size_t directory = number_at(tiff, 4, 4, little_endian);
  if (directory > tiff.size() || tiff.size() - directory < 2) return upright_orientation;
  const std::size_t entries = number_at(tiff, directory, 2, little_endian);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * entry_bytes;
    if (entry + entry_bytes > tiff.size()) break;
    if (number_at(tiff, entry, 2, little_endian) != orientation_tag) continue;
    const auto value = number_at(tiff, entry + 8, 2, little_endian);
    const bool valid = number_at(tiff, entry + 2, 2, little_endian) == short_type && value >= 1 && value <= 8;
    return valid ? static_cast<int>(value) : upright_orientation;
  }
  return upright_orientation;
}

int orientation_of_picture_file(Bytes file) {
  if (has_text(file, 0, "\xff\xd8")) return orientation_of_exif(exif_of_jpeg(file));
  if (has_text(file, 0, "\x89PNG\r\n\x1a\n")) return orientation_of_exif(chunk_of(file, 8, "eXIf", false));
  if (has_text(file, 0, "RIFF") && has_text(file, 8, "WEBP")) {
    auto block = chunk_of(file, 12, "EXIF", true);
    // Some writers put JPEG's signature before the block.
    if (has_text(block, 0, exif_signature)) block = block.subspan(exif_signature.size());
    return orientation_of_exif(block);
  }
  return orientation_of_exif(file);
}

}  // namespace reenact
