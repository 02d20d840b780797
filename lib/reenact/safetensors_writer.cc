// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "reenact/error.h"
#include "reenact/safetensors.h"
#include "reenact/safetensors_header.h"
#include "reenact/temporary_name.h"

namespace reenact {
namespace {

namespace fs = std::filesystem;

/// A file that appears under its name only when it is complete.
class AtomicFile {
 public:
  explicit AtomicFile(const fs::path& path) : shown_(path), target_(path) {
    std::error_code ignored;
    if (fs::is_symlink(path, ignored)) target_ = fs::weakly_canonical(path, ignored);
    if (fs::exists(target_, ignored) && !fs::is_regular_file(target_, ignored)) {
      throw Error(ErrorCode::unreadable,
                  "cannot write '" + shown_.string() + "': it is there and not a regular file");
    }
    temporary_ = temporary_name_for(target_);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail();
  }

  ~AtomicFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!done_) ::unlink(temporary_.c_str());
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t size) {
    const char* next = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t written = ::write(descriptor_, next, std::min<std::size_t>(size, 1u << 30));
      if (written < 0) {
        if (errno == EINTR) continue;
        fail();
      }
      next += written;
      size -= static_cast<std::size_t>(written);
    }
  }

  void commit() {
    if (::fsync(descriptor_) != 0) fail();
    const int descriptor = std::exchange(descriptor_, -1);
    if (::close(descriptor) != 0) fail();
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail();
    done_ = true;
    // The rename itself lasts only once the folder is on the disk; some file systems cannot do this, which is
    // no failure.
    const fs::path folder = target_.has_parent_path() ? target_.parent_path() : fs::path(".");
    const int folder_descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_descriptor >= 0) {
      ::fsync(folder_descriptor);
      ::close(folder_descriptor);
    }
  }

 private:
  [[noreturn]] void fail() {
    const std::string reason = std::strerror(errno);
    throw Error(ErrorCode::unreadable, "cannot write '" + shown_.string() + "': " + reason);
  }

  fs::path shown_, target_, temporary_;
  int descriptor_ = -1;
  bool done_ = false;
};

}  // namespace

void write_safetensors(const fs::path& path, const std::map<std::string, TensorView>& tensors,
                       const Metadata& metadata) {
  // Widest types first, as the format's reference writer does: every tensor is then aligned without holes.
  std::vector<const std::pair<const std::string, TensorView>*> order;
  for (const auto& tensor : tensors) order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return size_of(a->second.type) > size_of(b->second.type);
  });

  nlohmann::json header = nlohmann::json::object();
  std::uint64_t offset = 0;
  for (const auto* tensor : order) {
    const auto& [name, view] = *tensor;
    bool fits = name != "__metadata__";
    for (const std::int64_t side : view.shape) fits &= side >= 0;
    if (!fits || static_cast<std::uint64_t>(view.element_count()) * size_of(view.type) != view.bytes.size()) {
      throw Error(ErrorCode::invalid, "cannot write '" + path.string() + "': tensor '" + name + "' has " +
                                          std::to_string(view.bytes.size()) +
                                          " bytes, which its type and shape do not give");
    }
    const std::uint64_t end = offset + view.bytes.size();
    header[name] = {{"dtype", to_string(view.type)}, {"shape", view.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  if (!metadata.empty()) header["__metadata__"] = metadata;

  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::invalid,
                "cannot write '" + path.string() + "': a name or metadata entry is not UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  if (length > max_safetensors_header_bytes) {
    throw Error(ErrorCode::invalid, "cannot write '" + path.string() + "': its header would be " +
                                        std::to_string(length) + " bytes, at most " +
                                        std::to_string(max_safetensors_header_bytes) + " can be read");
  }

  AtomicFile file(path);
  file.write(&length, sizeof(length));
  file.write(text.data(), text.size());
  for (const auto* tensor : order) file.write(tensor->second.bytes.data(), tensor->second.bytes.size());
  file.commit();
}

}  // namespace reenact
