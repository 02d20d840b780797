// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <numeric>

#include "reenact/safetensors.h"
#include "support/errors.h"
#include "support/raw_safetensors.h"
#include "support/temporary_folder.h"

namespace reenact {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::read_bytes;

class SafetensorsWriter : public ::testing::Test {
 protected:
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }
  TensorView view(DataType type, std::vector<std::int64_t> shape, const std::string& bytes) const {
    return {type, std::move(shape), std::as_bytes(std::span(bytes))};
  }

  test::TemporaryFolder folder_;
  fs::path path_ = folder_ / "out.safetensors";
};

TEST_F(SafetensorsWriter, WhatIsWrittenIsReadBack) {
  const std::string three = "abc", eight = "01234567", none;
  const std::map<std::string, TensorView> tensors = {{"bytes", view(DataType::u8, {3, 1}, three)},
                                                     {"double", view(DataType::f64, {1}, eight)},
                                                     {"empty", view(DataType::f32, {0, 4}, none)},
                                                     {"half \"\n\u00e9", view(DataType::f16, {2, 2}, eight)},
                                                     {"scalar", view(DataType::i64, {}, eight)}};
  const Metadata metadata = {{"kind", "test"}, {"text", "quotes \" and \u00e9 and \n"}};
  write_safetensors(path_, tensors, metadata);

  const SafetensorsFile file(path_);
  EXPECT_EQ(file.metadata(), metadata);
  ASSERT_EQ(file.tensors().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const TensorView& read = file.at(name);
    EXPECT_EQ(read.type, tensor.type) << name;
    EXPECT_EQ(read.shape, tensor.shape) << name;
    EXPECT_TRUE(std::equal(read.bytes.begin(), read.bytes.end(), tensor.bytes.begin(), tensor.bytes.end()))
        << name;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(read.bytes.data()) % size_of(read.type), 0u) << name;
  }
  EXPECT_EQ(files(), 1u);
}

TEST_F(SafetensorsWriter, TheFileIsWhatTheFormatWants) {
  // Checked with a JSON library and by hand, not with our own reader.
  const std::string four = "wxyz", two = "ab";
  write_safetensors(path_, {{"a", view(DataType::u8, {2}, two)}, {"z", view(DataType::f32, {1}, four)}},
                    {{"k", "v"}});
  const std::string bytes = read_bytes(path_);
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i)
    length = length << 8 | static_cast<unsigned char>(bytes.at(static_cast<std::size_t>(i)));
  EXPECT_EQ(length % 8, 0u);
  ASSERT_EQ(bytes.size(), 8 + length + 6);
  EXPECT_EQ(bytes[8], '{');
  const nlohmann::json header = nlohmann::json::parse(bytes.substr(8, length));
  EXPECT_EQ(header, nlohmann::json::parse(R"({"__metadata__":{"k":"v"},
    "z":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
    "a":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}})"));
  EXPECT_EQ(bytes.substr(8 + length), "wxyzab");
}

TEST_F(SafetensorsWriter, RefusesWhatItCouldNotReadBack) {
  const std::string four = "wxyz";
  test::write_bytes(path_, "precious");
  const auto refused = [&](const std::map<std::string, TensorView>& tensors, const Metadata& metadata) {
    expect_error([&] { write_safetensors(path_, tensors, metadata); }, ErrorCode::invalid, {path_.string()});
  };
  refused({{"a", view(DataType::f32, {2}, four)}}, {});
  refused({{"a", view(DataType::f32, {-1, -1}, four)}}, {});
  refused({{"__metadata__", view(DataType::f32, {1}, four)}}, {});
  refused({{"\xff", view(DataType::f32, {1}, four)}}, {});
  refused({}, {{"k", "\xc0\x80"}});
  EXPECT_EQ(read_bytes(path_), "precious");
  EXPECT_EQ(files(), 1u);
}

TEST_F(SafetensorsWriter, AFolderThatIsNotThere) {
  expect_error([&] { write_safetensors(folder_ / "no/such/file", {}, {}); }, ErrorCode::unreadable,
               {"no/such/file", "No such file or directory"});
}

TEST_F(SafetensorsWriter, DevicesAndFoldersAreNotReplaced) {
  expect_error([&] { write_safetensors("/dev/full", {}, {}); }, ErrorCode::unreadable, {"/dev/full"});
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  expect_error([&] { write_safetensors(folder_.path(), {}, {}); }, ErrorCode::unreadable,
               {folder_.path().string()});
}

TEST_F(SafetensorsWriter, ALinkStaysALink) {
  test::write_bytes(folder_ / "target", "old");
  fs::create_symlink("target", path_);
  write_safetensors(path_, {}, {{"k", "v"}});
  EXPECT_TRUE(fs::is_symlink(path_));
  EXPECT_EQ(SafetensorsFile(folder_ / "target").metadata().at("k"), "v");
  EXPECT_EQ(files(), 2u);
}

TEST_F(SafetensorsWriter, AFullDiskLeavesTheOldFile) {
  test::write_bytes(path_, "precious");
  const std::string large(1 << 20, 'x');
  // A limit on the size of files fails write() half way as a full disk does; in a child, since it is of the
  // process.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    try {
      write_safetensors(path_, {{"a", view(DataType::u8, {1 << 20}, large)}}, {});
    } catch (const Error& error) {
      const std::string sentence = error.what();
      ::_exit(error.code() == ErrorCode::unreadable && sentence.find(path_.string()) != std::string::npos &&
                      sentence.find("File too large") != std::string::npos
                  ? 0
                  : 3);
    }
    ::_exit(4);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(read_bytes(path_), "precious");
  EXPECT_EQ(files(), 1u) << "the unfinished file was left behind";
}

TEST_F(SafetensorsWriter, KilledAtAnyMomentTheFileIsTheOldOrTheNew) {
  const std::string large(8 << 20, 'x');
  const TensorView tensor = view(DataType::u8, {8 << 20}, large);
  write_safetensors(path_, {{"a", tensor}}, {{"version", "0"}});
  for (int round = 0; round < 8; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (int version = 1;; ++version)
        write_safetensors(path_, {{"a", tensor}}, {{"version", std::to_string(version)}});
    }
    ::usleep(static_cast<useconds_t>(3000 + 7919 * round % 20000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself";
    const SafetensorsFile file(path_);  // throws if it were damaged
    EXPECT_EQ(file.at("a").bytes.size(), large.size());
  }
}

}  // namespace
}  // namespace reenact
