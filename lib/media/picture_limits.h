// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

namespace reenact {

/// Whether a header's size is one to allocate: pictures of more than 2^28 pixels are an attack or damage.
constexpr bool picture_fits_memory(std::uint64_t width, std::uint64_t height) {
  constexpr std::uint64_t most_pixels = std::uint64_t{1} << 28;
  return width > 0 && height > 0 && width <= most_pixels && height <= most_pixels / width;
}

}  // namespace reenact
