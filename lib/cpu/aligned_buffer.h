// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

namespace reenact::cpu {

/// Zeroed memory on a cache-line boundary.
class AlignedBuffer {
 public:
  static constexpr std::size_t alignment = 64;

  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t bytes)
      : bytes_(bytes), data_(::operator new(bytes ? bytes : 1, std::align_val_t(alignment))) {
    std::memset(data_, 0, bytes);
  }
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : bytes_(std::exchange(other.bytes_, 0)), data_(std::exchange(other.data_, nullptr)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~AlignedBuffer() { ::operator delete(data_, std::align_val_t(alignment)); }

  std::size_t size() const { return bytes_; }
  template <typename T = std::byte>
  T* data() {
    return static_cast<T*>(data_);
  }
  template <typename T = std::byte>
  const T* data() const {
    return static_cast<const T*>(data_);
  }

  /// `bytes` rounded up so that whatever follows stays aligned.
  static std::size_t padded(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

 private:
  std::size_t bytes_ = 0;
  void* data_ = nullptr;
};

}  // namespace reenact::cpu
