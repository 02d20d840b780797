// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/import/npz_archive.h"

#include <zip.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <regex>

#include "reenact/error.h"
#include "reenact/safetensors.h"
#include "training/import/byte_reader.h"
#include "training/import/memory_map.h"

namespace reenact::training {
namespace {

using Archive = std::unique_ptr<zip_t, decltype(&zip_discard)>;
using Entry = std::unique_ptr<zip_file_t, decltype(&zip_fclose)>;

/// The header of a .npy member and where its elements begin.
struct ArrayHeader {
  std::string type;  ///< numpy's, "<f4"
  bool columns_first = false;
  std::vector<std::int64_t> shape;
  std::int64_t count = 1;
};

/// One value of the Python dict that a header is, or "".
std::string header_value(const std::string& header, const std::string& pattern) {
  std::smatch match;
  return std::regex_search(header, match, std::regex(pattern)) ? match[1].str() : "";
}

ArrayHeader read_header(ByteReader& reader, const std::string& what) {
  const auto corrupt = [&](const std::string& found) -> Error {
    return Error(ErrorCode::corrupt, what + " has " + found + ", wanted one that numpy wrote");
  };
  constexpr std::string_view magic = "\x93NUMPY";
  if (reader.take_text(magic.size()) != magic) throw corrupt("no header of an array");
  const int version = reader.take_number<std::uint8_t>();
  reader.take(1);
  const std::uint32_t length =
      version == 1 ? reader.take_number<std::uint16_t>() : reader.take_number<std::uint32_t>();
  constexpr std::uint32_t longest = 4096;
  if (version < 1 || version > 3 || length > longest) throw corrupt("a header of an unknown version");
  const std::string text(reader.take_text(length));
  ArrayHeader header;
  header.type = header_value(text, R"('descr':\s*'([^']*)')");
  header.columns_first = header_value(text, R"('fortran_order':\s*(\w+))") == "True";
  const auto shape = header_value(text, R"('shape':\s*\(([\d, ]*)\))");
  if (header.type.empty() || text.find("'shape'") == std::string::npos) throw corrupt("a damaged header");
  constexpr std::int64_t most = std::int64_t{1} << 32;
  for (std::size_t at = 0; (at = shape.find_first_of("0123456789", at)) != std::string::npos;) {
    const auto end = std::min(shape.find_first_not_of("0123456789", at), shape.size());
    constexpr std::size_t most_digits = 10;
    const auto size = end - at > most_digits ? most : std::stoll(shape.substr(at, end - at));
    if (size > most || (size > 0 && header.count > most / size)) throw corrupt("too large an array");
    header.shape.push_back(size);
    header.count *= size;
    at = end;
  }
  return header;
}

/// Code points of 4 bytes as UTF-8, up to the first 0.
std::string utf8_of(std::span<const std::byte> bytes) {
  std::string text;
  for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
    std::uint32_t point = 0;
    std::memcpy(&point, &bytes[i], sizeof point);
    if (point == 0) break;
    const auto tail = [&](int shift) { text += static_cast<char>(0x80 | (point >> shift & 0x3f)); };
    if (point < 0x80) {
      text += static_cast<char>(point);
    } else if (point < 0x800) {
      text += static_cast<char>(0xc0 | point >> 6);
      tail(0);
    } else if (point < 0x10000) {
      text += static_cast<char>(0xe0 | point >> 12);
      tail(6);
      tail(0);
    } else {
      text += static_cast<char>(0xf0 | (point >> 18 & 7));
      tail(12);
      tail(6);
      tail(0);
    }
  }
  return text;
}

/// The elements of a matrix that lie column after column, row after row.
std::vector<float> rows_first(const std::vector<float>& values, const std::vector<std::int64_t>& shape) {
  const auto rows = static_cast<std::size_t>(shape[0]), columns = static_cast<std::size_t>(shape[1]);
  std::vector<float> result(values.size());
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t column = 0; column < columns; ++column)
      result[row * columns + column] = values[column * rows + row];
  return result;
}

}  // namespace

struct NpzArchive::Private {
  explicit Private(const std::filesystem::path& path) : name(quoted(path)), map(path) {
    zip_error_t error;
    zip_error_init(&error);
    if (zip_source_t* memory = zip_source_buffer_create(map.bytes().data(), map.bytes().size(), 0, &error)) {
      archive.reset(zip_open_from_source(memory, ZIP_RDONLY, &error));
      if (!archive) zip_source_free(memory);
    }
    zip_error_fini(&error);
    if (!archive) throw Error(ErrorCode::corrupt, name + " is no zip archive, wanted an .npz file of numpy");
  }

  std::vector<std::byte> member(const std::string& array) const {
    constexpr std::uint64_t most = std::uint64_t{4} << 30;
    zip_stat_t status;
    zip_stat_init(&status);
    if (zip_stat(archive.get(), (array + ".npy").c_str(), 0, &status) != 0)
      throw Error(ErrorCode::wrong_kind, name + " has no array '" + array + "'");
    if (status.size > most)
      throw Error(ErrorCode::corrupt, name + " claims more than 4 GiB in '" + array + "', wanted less");
    std::vector<std::byte> bytes(status.size);
    const Entry entry(zip_fopen_index(archive.get(), status.index, 0), &zip_fclose);
    if (!entry ||
        zip_fread(entry.get(), bytes.data(), bytes.size()) != static_cast<zip_int64_t>(bytes.size()))
      throw Error(ErrorCode::corrupt, name + " has a damaged array '" + array + "'");
    return bytes;
  }

  std::string name;
  MemoryMap map;
  Archive archive{nullptr, &zip_discard};
};

NpzArchive::NpzArchive(const std::filesystem::path& path) : p_(std::make_unique<Private>(path)) {}
NpzArchive::~NpzArchive() = default;

bool NpzArchive::contains(const std::string& name) const {
  return zip_name_locate(p_->archive.get(), (name + ".npy").c_str(), 0) >= 0;
}

std::vector<std::string> NpzArchive::names() const {
  std::vector<std::string> result;
  for (zip_int64_t i = 0; i < zip_get_num_entries(p_->archive.get(), 0); ++i) {
    std::string name = zip_get_name(p_->archive.get(), static_cast<zip_uint64_t>(i), 0);
    if (name.ends_with(".npy")) result.push_back(name.substr(0, name.size() - 4));
  }
  return result;
}

NpzArchive::Numbers NpzArchive::numbers(const std::string& name) const {
  const auto bytes = p_->member(name);
  const auto what = p_->name + ", array '" + name + "',";
  ByteReader reader(bytes, what);
  const auto header = read_header(reader, what);
  const std::pair<const char*, DataType> types[] = {
      {"<f2", DataType::f16}, {"<f4", DataType::f32}, {"<f8", DataType::f64}};
  const auto* type = std::find_if(std::begin(types), std::end(types),
                                  [&](const auto& known) { return header.type == known.first; });
  if (type == std::end(types))
    throw Error(ErrorCode::wrong_kind,
                what + " is of type " + printable(header.type) + ", wanted float16, float32 or float64");
  TensorView view{type->second, header.shape,
                  reader.take(static_cast<std::uint64_t>(header.count) * size_of(type->second))};
  Numbers result{header.shape, view.to_floats()};
  if (!std::all_of(result.values.begin(), result.values.end(), [](float x) { return std::isfinite(x); }))
    throw Error(ErrorCode::corrupt, what + " has numbers that are not finite, wanted finite ones");
  if (header.columns_first && header.shape.size() > 1) {
    if (header.shape.size() > 2)
      throw Error(ErrorCode::wrong_kind, what + " lies in Fortran's order in " +
                                             std::to_string(header.shape.size()) + " dimensions, wanted C's");
    result.values = rows_first(result.values, header.shape);
  }
  return result;
}

std::vector<std::string> NpzArchive::texts(const std::string& name) const {
  const auto bytes = p_->member(name);
  const auto what = p_->name + ", array '" + name + "',";
  ByteReader reader(bytes, what);
  const auto header = read_header(reader, what);
  std::smatch match;
  if (!std::regex_match(header.type, match, std::regex("<U(\\d{1,6})")) || header.shape.size() != 1)
    throw Error(ErrorCode::wrong_kind,
                what + " is of type " + printable(header.type) + ", wanted a list of strings");
  const auto length = 4 * std::stoull(match[1]);
  std::vector<std::string> result;
  for (std::int64_t i = 0; i < header.count; ++i) result.push_back(utf8_of(reader.take(length)));
  return result;
}

}  // namespace reenact::training
