// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <span>
#include <string>

#include "reenact/safetensors.h"

namespace reenact {

/// What the header of a safetensors file says; the views point into the bytes it was parsed from.
struct SafetensorsHeader {
  Metadata metadata;
  std::map<std::string, TensorView> tensors;
};

/// The longest header that is read, as in the format's reference implementation.
inline constexpr std::size_t max_safetensors_header_bytes = 100'000'000;

/// Parses and validates a whole file in memory. `name` is what error sentences call the file. Throws Error
/// (corrupt).
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file, const std::string& name);

}  // namespace reenact
