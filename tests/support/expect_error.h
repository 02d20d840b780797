// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "reenact/error.h"

namespace reenact::test {

/// Runs `action` and expects an Error of this code whose sentence contains every one of `parts`.
template <typename Action>
void expect_error(Action action, ErrorCode code, std::initializer_list<std::string> parts) {
  try {
    action();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    for (const auto& part : parts) EXPECT_THAT(error.what(), testing::HasSubstr(part));
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << "more than one line";
  }
}

}  // namespace reenact::test
