// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/aligned_buffer.h"
#include "cpu/kernels/kernel_types.h"
#include "reenact/safetensors.h"

namespace reenact::cpu {

/// A map of features, channels last, with rows of zeros above and below that stand for a convolution's
/// padding.
class FeatureMap {
 public:
  FeatureMap() = default;
  FeatureMap(int height, int width, int channels, int border, Arithmetic element)
      : height_(height),
        width_(width),
        channels_(channels),
        border_(border),
        element_(element),
        memory_(row_bytes() * (height + 2 * border)) {}

  int height() const { return height_; }
  int width() const { return width_; }
  int channels() const { return channels_; }
  int border() const { return border_; }
  Arithmetic element() const { return element_; }
  std::size_t row_bytes() const { return cpu::size_of(element_) * width_ * channels_; }

  /// Row `y` of the map, from -border to height + border.
  std::byte* row(int y) { return memory_.data() + row_bytes() * (y + border_); }
  const std::byte* row(int y) const { return memory_.data() + row_bytes() * (y + border_); }
  template <typename T>
  T* row_as(int y) {
    return reinterpret_cast<T*>(row(y));
  }
  template <typename T>
  const T* row_as(int y) const {
    return reinterpret_cast<const T*>(row(y));
  }

 private:
  int height_ = 0, width_ = 0, channels_ = 0, border_ = 0;
  Arithmetic element_ = Arithmetic::f32;
  AlignedBuffer memory_;
};

}  // namespace reenact::cpu
