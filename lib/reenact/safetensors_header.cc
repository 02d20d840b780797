// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/safetensors_header.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include "reenact/error.h"

namespace reenact {
namespace {

constexpr DataType all_types[] = {DataType::boolean, DataType::u8,  DataType::i8,  DataType::i16,
                                  DataType::i32,     DataType::i64, DataType::f16, DataType::bf16,
                                  DataType::f32,     DataType::f64};
constexpr std::size_t max_rank = 64;

/// A name out of the file, made fit for an error sentence.
std::string in_quotes(const std::string& text) {
  std::string shown = "'";
  for (const char c : text.substr(0, 80))
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return shown + (text.size() > 80 ? "...'" : "'");
}

struct Entry {
  std::string dtype;
  std::vector<std::uint64_t> shape, offsets;
  bool has_dtype = false, has_shape = false, has_offsets = false;
};

/// Takes the one structure that a header may have, event by event, and stops at the first thing that does not
/// fit; so a hostile header (deep nesting, long lists) never becomes a tree in memory.
class HeaderHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  Metadata metadata;
  std::map<std::string, Entry> entries;
  std::string complaint;

  bool start_object(std::size_t) override {
    switch (state_) {
      case State::start:
        state_ = State::names;
        return true;
      case State::name_value:
        state_ = in_metadata_ ? State::metadata : State::fields;
        return true;
      default:
        return refuse("an object where none belongs");
    }
  }

  bool key(string_t& key) override {
    switch (state_) {
      case State::names:
        name_ = key;
        in_metadata_ = key == "__metadata__";
        if (in_metadata_ ? has_metadata_ : !entries.try_emplace(key).second) {
          return refuse("the name " + in_quotes(key) + " twice");
        }
        has_metadata_ |= in_metadata_;
        state_ = State::name_value;
        return true;
      case State::metadata:
        metadata_key_ = key;
        if (metadata.count(key)) return refuse("the metadata entry " + in_quotes(key) + " twice");
        state_ = State::metadata_value;
        return true;
      case State::fields:
        return field(key);
      default:
        return refuse("a key where none belongs");
    }
  }

  bool string(string_t& value) override {
    if (state_ == State::metadata_value) {
      metadata.emplace(metadata_key_, std::move(value));
      state_ = State::metadata;
      return true;
    }
    if (state_ == State::dtype_value) {
      entries[name_].dtype = std::move(value);
      state_ = State::fields;
      return true;
    }
    return refuse("a string where none belongs");
  }

  bool start_array(std::size_t) override {
    if (state_ == State::shape_value) {
      state_ = State::shape;
      return true;
    }
    if (state_ == State::offsets_value) {
      state_ = State::offsets;
      return true;
    }
    return refuse("a list where none belongs");
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (state_ == State::shape) {
      entries[name_].shape.push_back(value);
      return entries[name_].shape.size() <= max_rank || refuse("more than 64 dimensions");
    }
    if (state_ == State::offsets) {
      entries[name_].offsets.push_back(value);
      return entries[name_].offsets.size() <= 2 || refuse("more than two data_offsets");
    }
    return refuse("a number where none belongs");
  }

  bool end_array() override {
    state_ = State::fields;
    return true;
  }

  bool end_object() override {
    if (state_ == State::metadata || state_ == State::fields) {
      state_ = State::names;
    } else {
      state_ = State::end;
    }
    return true;
  }

  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("a truth value"); }
  bool number_integer(number_integer_t) override { return refuse("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return refuse("a number that is not a 64-bit integer");
  }
  bool binary(binary_t&) override { return refuse("binary data"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    complaint = "is no JSON from byte " + std::to_string(position) + " on";
    return false;
  }

 private:
  enum class State {
    start,
    names,
    name_value,
    metadata,
    metadata_value,
    fields,
    dtype_value,
    shape_value,
    shape,
    offsets_value,
    offsets,
    end
  };

  bool field(const std::string& key) {
    Entry& entry = entries[name_];
    const auto once = [&](bool& seen, State next) {
      if (seen) return refuse("the field " + in_quotes(key) + " twice");
      seen = true;
      state_ = next;
      return true;
    };
    if (key == "dtype") return once(entry.has_dtype, State::dtype_value);
    if (key == "shape") return once(entry.has_shape, State::shape_value);
    if (key == "data_offsets") return once(entry.has_offsets, State::offsets_value);
    return refuse("the unknown field " + in_quotes(key));
  }

  bool refuse(const std::string& what) {
    complaint = "has " + what + (name_.empty() ? "" : " in the entry " + in_quotes(name_));
    return false;
  }

  State state_ = State::start;
  std::string name_, metadata_key_;
  bool in_metadata_ = false, has_metadata_ = false;
};

std::optional<DataType> find_type(const std::string& name) {
  for (const DataType type : all_types) {
    if (to_string(type) == name) return type;
  }
  return std::nullopt;
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file, const std::string& name) {
  const auto corrupt = [&](const std::string& found) {
    return Error(ErrorCode::corrupt, name + " is not a valid safetensors file: " + found);
  };
  if (file.size() < 8) throw corrupt("it has " + std::to_string(file.size()) + " bytes, wanted at least 8");
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, file.data(), sizeof(header_bytes));
  if (header_bytes > max_safetensors_header_bytes) {
    throw corrupt("its header claims " + std::to_string(header_bytes) + " bytes, at most " +
                  std::to_string(max_safetensors_header_bytes) + " are allowed");
  }
  if (header_bytes > file.size() - 8) {
    throw corrupt("its header claims " + std::to_string(header_bytes) + " bytes, the file holds " +
                  std::to_string(file.size() - 8) + " after the length");
  }

  HeaderHandler handler;
  const char* text = reinterpret_cast<const char*>(file.data() + 8);
  // The JSON library takes a zero byte for the end of its input, and would not see what stands behind it.
  if (std::memchr(text, '\0', header_bytes)) throw corrupt("its header has a zero byte");
  if (!nlohmann::json::sax_parse(text, text + header_bytes, &handler))
    throw corrupt("its header " + handler.complaint);

  const std::span<const std::byte> data = file.subspan(8 + header_bytes);
  SafetensorsHeader header;
  header.metadata = std::move(handler.metadata);
  struct Extent {
    std::uint64_t begin, end;
    const std::string* name;
  };
  std::vector<Extent> extents;
  extents.reserve(handler.entries.size());
  for (const auto& [tensor_name, entry] : handler.entries) {
    const auto bad = [&, &tensor = tensor_name](const std::string& found) {
      return corrupt("tensor " + in_quotes(tensor) + " " + found);
    };
    if (!entry.has_dtype || !entry.has_shape || entry.offsets.size() != 2) {
      throw bad("lacks one of dtype, shape and two data_offsets");
    }
    const std::optional<DataType> type = find_type(entry.dtype);
    if (!type) throw bad("has the unknown data type " + in_quotes(entry.dtype));
    TensorView view;
    view.type = *type;
    // Zero sides are left out of this product, so that element_count() cannot overflow in any order of the
    // sides.
    std::uint64_t product = size_of(*type);
    bool empty = false;
    for (const std::uint64_t side : entry.shape) {
      if (side == 0) {
        empty = true;
      } else if (__builtin_mul_overflow(product, side, &product) || product > INT64_MAX) {
        throw bad("has a shape whose size overflows");
      }
      view.shape.push_back(static_cast<std::int64_t>(side));
    }
    const std::uint64_t bytes = empty ? 0 : product;
    const std::uint64_t begin = entry.offsets[0], end = entry.offsets[1];
    if (begin > end || end > data.size()) {
      throw bad("lies at bytes " + std::to_string(begin) + " to " + std::to_string(end) + " of " +
                std::to_string(data.size()) + " in the file");
    }
    if (end - begin != bytes) {
      throw bad("has " + std::to_string(end - begin) + " bytes where its type and shape want " +
                std::to_string(bytes));
    }
    if ((8 + header_bytes + begin) % size_of(*type) != 0) {
      throw bad("starts at byte " + std::to_string(8 + header_bytes + begin) +
                " of the file, unaligned for " + entry.dtype);
    }
    view.bytes = data.subspan(begin, bytes);
    header.tensors.emplace(tensor_name, std::move(view));
    extents.push_back({begin, end, &tensor_name});
  }

  std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  std::uint64_t covered = 0;
  for (const Extent& extent : extents) {
    if (extent.begin < covered)
      throw corrupt("tensor " + in_quotes(*extent.name) + " overlaps the one before it");
    if (extent.begin > covered) throw corrupt("there is a hole before tensor " + in_quotes(*extent.name));
    covered = extent.end;
  }
  if (covered != data.size()) {
    throw corrupt("its tensors cover " + std::to_string(covered) + " of " + std::to_string(data.size()) +
                  " bytes");
  }
  return header;
}

}  // namespace reenact
