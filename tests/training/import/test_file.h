// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "reenact/error.h"

namespace reenact::test {

/// A file in the tests' temporary folder that is gone when the test ends.
class TestFile {
 public:
  explicit TestFile(const std::string& name, const std::string& bytes = "")
      : path_(std::filesystem::path(testing::TempDir()) / (std::to_string(getpid()) + "-" + name)) {
    if (!bytes.empty()) write(bytes);
  }
  ~TestFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;

  void write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Expects that `action` throws Error with this code and a sentence that contains `words`.
template <typename Action>
void expect_error(ErrorCode code, const std::string& words, Action&& action) {
  try {
    action();
    ADD_FAILURE() << "nothing was thrown, wanted an error about: " << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos)
        << "the sentence is: " << error.what() << "\nwanted: " << words;
  }
}

}  // namespace reenact::test
