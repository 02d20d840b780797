// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

#include "reenact/error.h"

namespace reenact::test {

/// What `action` threw, if it was an Error.
inline std::optional<Error> error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

/// Expects an Error of that code whose one line contains all of `parts`.
inline void expect_error(const std::function<void()>& action, ErrorCode code,
                         std::initializer_list<std::string> parts) {
  const std::optional<Error> error = error_of(action);
  ASSERT_TRUE(error.has_value()) << "nothing was thrown";
  EXPECT_EQ(static_cast<int>(error->code()), static_cast<int>(code)) << error->what();
  for (const std::string& part : parts) {
    EXPECT_NE(std::string(error->what()).find(part), std::string::npos)
        << "'" << part << "' is not in: " << error->what();
  }
  EXPECT_EQ(std::string(error->what()).find('\n'), std::string::npos) << "more than one line";
}

}  // namespace reenact::test
