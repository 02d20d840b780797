// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace reenact::test {

/// Path of a file in the folder that REENACT_SHARED names, e.g. shared_file("parity/criteria.safetensors");
/// empty when the variable is unset or the file is not there.
inline std::filesystem::path shared_file(const std::string& name) {
  const char* folder = std::getenv("REENACT_SHARED");
  if (!folder || !*folder) return {};
  const std::filesystem::path path = std::filesystem::path(folder) / name;
  return std::filesystem::exists(path) ? path : std::filesystem::path();
}

}  // namespace reenact::test

/// Declares `std::filesystem::path variable` for a shared file, or skips the test.
#define REENACT_SHARED_FILE(variable, name)                                  \
  const std::filesystem::path variable = ::reenact::test::shared_file(name); \
  if (variable.empty())                                                      \
  GTEST_SKIP() << (name) << " is not there (set REENACT_SHARED to the folder that has it)"
