// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace reenact::test {

/// Writes pickles opcode by opcode, correct ones and others. Every method returns the object itself.
class PickleWriter {
 public:
  explicit PickleWriter(int protocol = 2) { op('\x80').op(static_cast<char>(protocol)); }

  PickleWriter& op(char opcode) {
    bytes_ += opcode;
    return *this;
  }
  PickleWriter& ops(const std::string& opcodes) {
    bytes_ += opcodes;
    return *this;
  }
  /// Little-endian bytes of a number, after an opcode that wants them.
  template <typename Number>
  PickleWriter& raw(Number number) {
    char buffer[sizeof number];
    std::memcpy(buffer, &number, sizeof number);
    bytes_.append(buffer, sizeof number);
    return *this;
  }
  PickleWriter& text(const std::string& text) {
    return op('X').raw(static_cast<std::uint32_t>(text.size())).ops(text);
  }
  PickleWriter& integer(std::int64_t value) {
    if (value >= INT32_MIN && value <= INT32_MAX) return op('J').raw(static_cast<std::int32_t>(value));
    return ops("\x8a\x08").raw(value);
  }
  PickleWriter& real(double value) {
    return op('G').raw(__builtin_bswap64(std::bit_cast<std::uint64_t>(value)));
  }
  PickleWriter& global(const std::string& module, const std::string& name) {
    return op('c').ops(module + "\n" + name + "\n");
  }
  PickleWriter& mark() { return op('('); }
  PickleWriter& tuple() { return op('t'); }
  PickleWriter& integers(const std::vector<std::int64_t>& values) {
    mark();
    for (const auto value : values) integer(value);
    return tuple();
  }
  PickleWriter& storage(const std::string& type, const std::string& key, std::int64_t count, bool legacy) {
    mark().text("storage").global("torch", type).text(key).text("cpu").integer(count);
    if (legacy) op('N');
    return tuple().op('Q');
  }
  /// A tensor that takes a storage of `count` elements of `type`.
  PickleWriter& tensor(const std::string& key, std::int64_t count, std::int64_t offset,
                       const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides,
                       bool legacy = true, const std::string& type = "FloatStorage") {
    global("torch._utils", "_rebuild_tensor_v2").mark().storage(type, key, count, legacy).integer(offset);
    integers(shape).integers(strides).op('\x89').global("collections", "OrderedDict").ops(")R");
    return tuple().op('R');
  }
  std::string stop() { return bytes_ + '.'; }

 private:
  std::string bytes_;
};

/// The four pickles with which a legacy file begins and ends around `object`, and storages of float elements.
struct LegacyFile {
  struct Storage {
    std::string key;
    std::vector<float> values;
  };

  std::string magic = PickleWriter().ops("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19").stop();
  std::string version = PickleWriter().integer(1001).stop();
  std::string machine = PickleWriter().op('}').mark().text("little_endian").op('\x88').op('u').stop();
  std::string object;
  std::vector<Storage> storages;

  std::string keys() const {
    PickleWriter writer;
    writer.op(']').mark();
    for (const auto& storage : storages) writer.text(storage.key);
    return writer.op('e').stop();
  }
  std::string bytes() const {
    std::string result = magic + version + machine + object + keys();
    for (const auto& storage : storages) {
      const auto count = static_cast<std::int64_t>(storage.values.size());
      result.append(reinterpret_cast<const char*>(&count), sizeof count);
      result.append(reinterpret_cast<const char*>(storage.values.data()),
                    storage.values.size() * sizeof(float));
    }
    return result;
  }
};

}  // namespace reenact::test
