// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <opencv2/core.hpp>

#include "reenact/enum_names.h"
#include "reenact/error.h"
#include "reenact/safetensors_header.h"

static_assert(std::endian::native == std::endian::little, "tensors are used as they lie in the file");

namespace reenact {
namespace {

constexpr std::pair<const char*, DataType> data_type_names[] = {
    {"BOOL", DataType::boolean}, {"U8", DataType::u8},   {"I8", DataType::i8},   {"I16", DataType::i16},
    {"I32", DataType::i32},      {"I64", DataType::i64}, {"F16", DataType::f16}, {"BF16", DataType::bf16},
    {"F32", DataType::f32},      {"F64", DataType::f64}};

std::string errno_text() {
  return std::strerror(errno);
}

template <typename T, typename Convert>
void convert(std::span<const std::byte> bytes, std::vector<float>& values, Convert&& to_float) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    T value;  // memcpy: the owner of the bytes promises no alignment
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = to_float(value);
  }
}

}  // namespace

std::size_t size_of(DataType type) {
  switch (type) {
    case DataType::boolean:
    case DataType::u8:
    case DataType::i8:
      return 1;
    case DataType::i16:
    case DataType::f16:
    case DataType::bf16:
      return 2;
    case DataType::i32:
    case DataType::f32:
      return 4;
    case DataType::i64:
    case DataType::f64:
      return 8;
  }
  throw Error(ErrorCode::invalid,
              "data type " + std::to_string(static_cast<int>(type)) + " is none of DataType");
}

std::string to_string(DataType type) {
  return name_of(data_type_names, type, "data type", "DataType");
}

std::int64_t TensorView::element_count() const {
  std::int64_t count = 1;
  for (const std::int64_t side : shape) count *= side;
  return count;
}

std::vector<float> TensorView::to_floats() const {
  std::vector<float> values(bytes.size() / size_of(type));
  const auto plain = [](auto value) { return static_cast<float>(value); };
  switch (type) {
    case DataType::boolean:
      convert<std::uint8_t>(bytes, values, [](std::uint8_t value) { return value ? 1.0f : 0.0f; });
      break;
    case DataType::u8:
      convert<std::uint8_t>(bytes, values, plain);
      break;
    case DataType::i8:
      convert<std::int8_t>(bytes, values, plain);
      break;
    case DataType::i16:
      convert<std::int16_t>(bytes, values, plain);
      break;
    case DataType::i32:
      convert<std::int32_t>(bytes, values, plain);
      break;
    case DataType::i64:
      convert<std::int64_t>(bytes, values, plain);
      break;
    case DataType::f16:
      convert<cv::float16_t>(bytes, values, plain);
      break;
    case DataType::bf16:
      convert<std::uint16_t>(bytes, values, [](std::uint16_t value) {
        return std::bit_cast<float>(std::uint32_t{value} << 16);
      });
      break;
    case DataType::f32:
      if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
      break;
    case DataType::f64:
      convert<double>(bytes, values, plain);
      break;
  }
  return values;
}

struct SafetensorsFile::Private {
  std::filesystem::path path;
  const std::byte* mapping = nullptr;
  std::size_t size = 0;
  SafetensorsHeader header;

  ~Private() {
    if (mapping) ::munmap(const_cast<std::byte*>(mapping), size);
  }
};

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : p_(std::make_unique<Private>()) {
  p_->path = path;
  const std::string name = "'" + path.string() + "'";
  // O_NONBLOCK: a named pipe must not block here; it is refused as not a regular file below.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      throw Error(ErrorCode::not_found, "there is no file " + name + ", wanted a safetensors file");
    }
    throw Error(ErrorCode::unreadable, "cannot open " + name + ": " + errno_text());
  }
  struct stat status {};
  const bool stated = ::fstat(descriptor, &status) == 0;
  if (!stated || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    throw Error(ErrorCode::unreadable, name + " is not a regular file, wanted a safetensors file");
  }
  p_->size = static_cast<std::size_t>(status.st_size);
  if (p_->size > 0) {
    void* mapping = ::mmap(nullptr, p_->size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    const std::string reason = mapping == MAP_FAILED ? errno_text() : "";
    ::close(descriptor);
    if (mapping == MAP_FAILED) throw Error(ErrorCode::unreadable, "cannot map " + name + ": " + reason);
    p_->mapping = static_cast<const std::byte*>(mapping);
  } else {
    ::close(descriptor);
  }
  p_->header = parse_safetensors_header({p_->mapping, p_->size}, name);
}

SafetensorsFile::~SafetensorsFile() = default;

const std::filesystem::path& SafetensorsFile::path() const {
  return p_->path;
}
const Metadata& SafetensorsFile::metadata() const {
  return p_->header.metadata;
}
const std::map<std::string, TensorView>& SafetensorsFile::tensors() const {
  return p_->header.tensors;
}
bool SafetensorsFile::contains(const std::string& name) const {
  return p_->header.tensors.count(name) > 0;
}

const TensorView& SafetensorsFile::at(const std::string& name) const {
  const auto found = p_->header.tensors.find(name);
  if (found == p_->header.tensors.end()) {
    throw Error(ErrorCode::wrong_kind,
                "'" + p_->path.string() + "' has no tensor '" + name + "', which was wanted");
  }
  return found->second;
}

}  // namespace reenact
