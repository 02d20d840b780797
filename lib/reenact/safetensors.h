// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "reenact/export.h"

namespace reenact {

/// Element types of the safetensors format that the project reads and writes.
enum class DataType { boolean, u8, i8, i16, i32, i64, f16, bf16, f32, f64 };

/// Bytes of one element.
REENACT_API std::size_t size_of(DataType type);
/// The format's own name, e.g. "F32".
REENACT_API std::string to_string(DataType type);

/// A tensor in memory somebody else owns: row-major, little-endian.
struct TensorView {
  DataType type = DataType::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;

  REENACT_API std::int64_t element_count() const;
  /// The values as float, whatever the stored type.
  REENACT_API std::vector<float> to_floats() const;
};

using Metadata = std::map<std::string, std::string>;

/// A memory-mapped safetensors file. The views stay valid as long as the object lives.
///
/// The header is validated before anything of its claimed size is allocated: length (at most 100 MB and at most
/// the file), JSON, types, shapes without overflow, offsets inside the file, aligned, not overlapping, no holes.
/// Throws Error (not_found, unreadable, corrupt) with the file's name.
class SafetensorsFile {
 public:
  REENACT_API explicit SafetensorsFile(const std::filesystem::path& path);
  REENACT_API ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  REENACT_API const std::filesystem::path& path() const;
  REENACT_API const Metadata& metadata() const;
  REENACT_API const std::map<std::string, TensorView>& tensors() const;
  REENACT_API bool contains(const std::string& name) const;
  /// Throws Error (wrong_kind) naming file and tensor when it is absent.
  REENACT_API const TensorView& at(const std::string& name) const;

 private:
  struct Private;
  std::unique_ptr<Private> p_;
};

/// Writes tensors and metadata to `path` through a temporary file in the same folder, fsync and rename: an interrupted
/// or failed write (full disk) leaves the file that was there. Throws Error (unreadable) naming the file and errno.
REENACT_API void write_safetensors(const std::filesystem::path& path,
                                   const std::map<std::string, TensorView>& tensors,
                                   const Metadata& metadata);

}  // namespace reenact
