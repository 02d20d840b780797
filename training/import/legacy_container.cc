// SPDX-License-Identifier: LGPL-2.1-or-later
#include <map>

#include "reenact/error.h"
#include "training/import/torch_container.h"
#include "training/import/unpickler.h"

namespace reenact::training {
namespace {

/// 0x1950a86a20f9469cfc6c, PyTorch's mark of its files, as the pickle holds it.
constexpr std::string_view magic_number("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
constexpr std::int64_t protocol_version = 1001;

class LegacyContainer : public TorchContainer {
 public:
  LegacyContainer(std::span<const std::byte> bytes, const std::string& source)
      : source_(source), reader_(bytes, source), object_(read_object()) {
    locate_storages();
  }

  std::string name() const override { return "legacy"; }
  const PickleDocument& object() const override { return object_; }

  void check(const PickledStorage& storage) const override { find(storage); }
  std::span<const std::byte> read(const PickledStorage& storage) override { return find(storage); }

 private:
  PickleDocument read_object() {
    const auto magic = Unpickler::read(reader_);
    if (magic.root().kind() != PickleKind::big_integer || magic.root().text() != magic_number)
      throw Error(ErrorCode::corrupt,
                  source_ +
                      " is a pickle without PyTorch's magic number; a file that torch.save "
                      "wrote was wanted");
    const auto version = Unpickler::read(reader_).root().integer();
    if (version != protocol_version)
      throw Error(ErrorCode::unsupported, source_ + " is of PyTorch's file version " +
                                              std::to_string(version) + "; version 1001 was wanted");
    const auto machine = Unpickler::read(reader_);
    if (!machine.root().at("little_endian").boolean())
      throw Error(ErrorCode::unsupported,
                  source_ + " was written on a big-endian machine; little-endian numbers were wanted");
    return Unpickler::read(reader_);
  }

  void locate_storages() {
    std::map<std::string_view, PickledStorage> claimed;
    for (const auto& storage : object_.storages()) claimed.emplace(storage.key, storage);
    const auto keys = Unpickler::read(reader_);
    for (std::size_t i = 0; i < keys.root().size(); ++i) {
      const auto key = keys.root().at(i).text();
      const auto found = claimed.find(key);
      if (found == claimed.end())
        throw Error(ErrorCode::corrupt,
                    source_ + " holds a storage " + printable(key) + " that no tensor uses");
      const auto count = reader_.take_number<std::int64_t>();
      if (count != found->second.element_count)
        throw Error(ErrorCode::corrupt, source_ + " has " + std::to_string(count) + " elements in storage " +
                                            printable(key) + ", of which " +
                                            std::to_string(found->second.element_count) + " were promised");
      const auto size = static_cast<std::uint64_t>(claimed_bytes(found->second, source_));
      if (!data_.emplace(key, reader_.take(size)).second)
        throw Error(ErrorCode::corrupt, source_ + " holds storage " + printable(key) + " twice");
    }
  }

  std::span<const std::byte> find(const PickledStorage& storage) const {
    const auto found = data_.find(storage.key);
    if (found == data_.end())
      throw Error(ErrorCode::corrupt, source_ + " lacks the storage " + printable(storage.key));
    const auto claimed = claimed_bytes(storage, source_);
    if (found->second.size() != static_cast<std::uint64_t>(claimed))
      throw Error(ErrorCode::corrupt, source_ + " has " + std::to_string(found->second.size()) +
                                          " bytes in storage " + printable(storage.key) +
                                          ", where a tensor wants " + std::to_string(claimed));
    return found->second;
  }

  std::string source_;
  ByteReader reader_;
  PickleDocument object_;
  std::map<std::string_view, std::span<const std::byte>> data_;
};

}  // namespace

std::int64_t claimed_bytes(const PickledStorage& storage, const std::string& source) {
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(storage.element_count, static_cast<std::int64_t>(size_of(storage.type)), &bytes))
    throw Error(ErrorCode::corrupt, source + " claims " + std::to_string(storage.element_count) +
                                        " elements in storage " + printable(storage.key) +
                                        ", more than any file holds");
  return bytes;
}

std::unique_ptr<TorchContainer> open_legacy_container(std::span<const std::byte> bytes,
                                                      const std::string& source) {
  return std::make_unique<LegacyContainer>(bytes, source);
}

}  // namespace reenact::training
