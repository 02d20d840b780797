// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "reenact/error.h"

namespace reenact {

/// A table of what the values of an enumeration are called, to be read both ways.
template <typename Enum, std::size_t count>
using EnumNames = std::pair<const char*, Enum>[count];

/// The name of `value`; null when the table has none.
template <typename Enum, std::size_t count>
const char* find_name(const EnumNames<Enum, count>& names, Enum value) {
  for (const auto& [name, named] : names)
    if (named == value) return name;
  return nullptr;
}

/// The name of `value`. Throws Error (invalid) when the table has none, which only a number cast to the
/// enumeration can bring about: "<what> 7 is none of <type>".
template <typename Enum, std::size_t count>
std::string name_of(const EnumNames<Enum, count>& names, Enum value, const char* what, const char* type) {
  if (const char* name = find_name(names, value)) return name;
  throw Error(ErrorCode::invalid,
              std::string(what) + " " + std::to_string(static_cast<int>(value)) + " is none of " + type);
}

}  // namespace reenact
