// SPDX-License-Identifier: LGPL-2.1-or-later
#include <zip.h>

#include "reenact/error.h"
#include "training/import/byte_reader.h"
#include "training/import/torch_container.h"
#include "training/import/unpickler.h"

namespace reenact::training {
namespace {

using Archive = std::unique_ptr<zip_t, decltype(&zip_discard)>;
using Entry = std::unique_ptr<zip_file_t, decltype(&zip_fclose)>;

Archive open_archive(std::span<const std::byte> bytes, const std::string& source) {
  zip_error_t error;
  zip_error_init(&error);
  zip_t* archive = nullptr;
  if (zip_source_t* memory = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error)) {
    archive = zip_open_from_source(memory, ZIP_RDONLY, &error);
    if (!archive) zip_source_free(memory);
  }
  const std::string reason = archive ? "" : zip_error_strerror(&error);
  zip_error_fini(&error);
  if (!archive)
    throw Error(ErrorCode::corrupt, source + " is a damaged zip archive (" + reason +
                                        "); a file that torch.save wrote was wanted");
  return Archive(archive, &zip_discard);
}

class ZipContainer : public TorchContainer {
 public:
  ZipContainer(std::span<const std::byte> bytes, const std::string& source)
      : source_(source), archive_(open_archive(bytes, source)) {
    check_entries(bytes.size());
    pickle_ = read_entry(prefix_ + "data.pkl");
    if (zip_name_locate(archive_.get(), (prefix_ + "byteorder").c_str(), 0) >= 0) {
      const auto order = read_entry(prefix_ + "byteorder");
      const std::string_view text(reinterpret_cast<const char*>(order.data()), order.size());
      if (text != "little")
        throw Error(ErrorCode::unsupported,
                    source_ + " holds numbers in " + printable(text) + " byte order; little was wanted");
    }
    ByteReader reader(pickle_, source_);
    object_ = Unpickler::read(reader);
  }

  std::string name() const override { return "zip"; }
  const PickleDocument& object() const override { return object_; }

  void check(const PickledStorage& storage) const override {
    const auto status = status_of(entry_name(storage));
    const auto claimed = claimed_bytes(storage, source_);
    if (status.size != static_cast<std::uint64_t>(claimed))
      throw Error(ErrorCode::corrupt, source_ + " has " + std::to_string(status.size) + " bytes in storage " +
                                          printable(storage.key) + ", where a tensor wants " +
                                          std::to_string(claimed));
  }

  std::span<const std::byte> read(const PickledStorage& storage) override {
    check(storage);
    const auto name = entry_name(storage);
    if (name != latest_name_) {
      latest_name_.clear();
      latest_ = read_entry(name);
      latest_name_ = name;
    }
    return latest_;
  }

 private:
  std::string entry_name(const PickledStorage& storage) const {
    constexpr std::size_t longest_key = 256;
    return prefix_ + "data/" + std::string(storage.key.substr(0, longest_key));
  }

  /// Finds the folder inside, and refuses whatever could make the archive larger in memory than on disk.
  void check_entries(std::size_t file_size) {
    const auto count = zip_get_num_entries(archive_.get(), 0);
    std::uint64_t total = 0;
    for (zip_int64_t i = 0; i < count; ++i) {
      zip_stat_t status;
      if (zip_stat_index(archive_.get(), static_cast<zip_uint64_t>(i), 0, &status) != 0) fail("?");
      const std::string_view name = status.name ? status.name : "";
      if (status.comp_method != ZIP_CM_STORE || status.encryption_method != ZIP_EM_NONE ||
          status.comp_size != status.size)
        throw Error(ErrorCode::unsupported, source_ + " holds the compressed or encrypted entry " +
                                                printable(name) + "; torch.save stores entries as they are");
      if (__builtin_add_overflow(total, status.size, &total) || total > file_size)
        throw Error(ErrorCode::corrupt,
                    source_ + " is a damaged zip archive: its entries claim more bytes than the " +
                        std::to_string(file_size) + " of the file");
      constexpr std::string_view pickle_name = "data.pkl";
      if (name.ends_with(pickle_name) && name.find('/') == name.size() - pickle_name.size() - 1)
        prefix_ = name.substr(0, name.size() - pickle_name.size());
    }
    if (prefix_.empty())
      throw Error(ErrorCode::corrupt,
                  source_ + " is a zip archive without data.pkl; a file that torch.save wrote was wanted");
  }

  zip_stat_t status_of(const std::string& name) const {
    zip_stat_t status;
    if (zip_stat(archive_.get(), name.c_str(), 0, &status) != 0) fail(name);
    return status;
  }

  /// Sizes were checked against the file, so this allocates no more than the file holds.
  std::vector<std::byte> read_entry(const std::string& name) const {
    std::vector<std::byte> bytes(status_of(name).size);
    const Entry entry(zip_fopen(archive_.get(), name.c_str(), 0), &zip_fclose);
    if (!entry) fail(name);
    // Reading to the end makes the library compare the checksum.
    std::byte beyond;
    if (zip_fread(entry.get(), bytes.data(), bytes.size()) != static_cast<zip_int64_t>(bytes.size()) ||
        zip_fread(entry.get(), &beyond, 1) != 0)
      fail(name);
    return bytes;
  }

  [[noreturn]] void fail(const std::string& name) const {
    throw Error(ErrorCode::corrupt, source_ + " is a damaged zip archive: its entry " + printable(name) +
                                        " is absent, cut off or fails its checksum");
  }

  std::string source_, prefix_;
  Archive archive_;
  std::vector<std::byte> pickle_;
  PickleDocument object_{source_};
  std::string latest_name_;
  std::vector<std::byte> latest_;
};

}  // namespace

std::unique_ptr<TorchContainer> open_zip_container(std::span<const std::byte> bytes,
                                                   const std::string& source) {
  return std::make_unique<ZipContainer>(bytes, source);
}

}  // namespace reenact::training
