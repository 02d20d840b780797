// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/import/memory_map.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "reenact/error.h"
#include "training/import/byte_reader.h"

namespace reenact::training {

MemoryMap::MemoryMap(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    throw Error(errno == ENOENT ? ErrorCode::not_found : ErrorCode::unreadable,
                quoted(path) + " cannot be opened: " + std::strerror(errno));
  struct stat status {};
  const bool regular = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  void* address = MAP_FAILED;
  if (regular && status.st_size > 0)
    address = mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0);
  const int reason = errno;
  close(descriptor);
  if (!regular) throw Error(ErrorCode::unreadable, quoted(path) + " is not a file");
  if (status.st_size == 0)
    throw Error(ErrorCode::corrupt, quoted(path) + " is empty; a PyTorch file was wanted");
  if (address == MAP_FAILED)
    throw Error(ErrorCode::unreadable, quoted(path) + " cannot be read: " + std::strerror(reason));
  bytes_ = {static_cast<const std::byte*>(address), static_cast<std::size_t>(status.st_size)};
}

MemoryMap::~MemoryMap() {
  munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace reenact::training
