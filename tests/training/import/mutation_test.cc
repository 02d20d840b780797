// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <new>
#include <random>

#include "every_value.h"
#include "support/shared_data.h"
#include "test_file.h"
#include "training/import/torch_archive.h"

namespace reenact::training {
namespace {

using test::TestFile;

/// Opens the file and reads all its tensors; whether it was accepted. Anything but Error ends the process.
bool accepts(const std::filesystem::path& path) {
  try {
    const TorchArchive archive(path);
    if (!archive.root().is_dictionary()) return true;
    for (const auto& [name, tensor] : tensors_in(archive.root())) archive.read(tensor);
    return true;
  } catch (const Error& error) {
    if (std::string(error.what()).empty()) std::abort();
    return false;
  }
}

/// Runs `mutate_all` with at most 64 MiB more memory than the process has now, and ends it: with 0 if all
/// went well.
[[noreturn]] void run_with_little_memory(const std::function<void()>& mutate_all) {
  long pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t limit = static_cast<rlim_t>(pages) * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + (64 << 20);
  const rlimit memory{limit, limit};
  if (setrlimit(RLIMIT_AS, &memory) != 0) std::exit(2);
  try {
    mutate_all();
  } catch (const std::exception& exception) {
    std::cerr << exception.what() << '\n';
    std::exit(3);
  }
  std::exit(0);
}

/// Expects that all mutations end well in a process of their own: no crash, no exception but Error, no
/// allocation of a size that a file merely claims.
void expect_survives(const std::function<void()>& mutate_all) {
#if defined(__SANITIZE_ADDRESS__)
  mutate_all();  // the sanitiser needs more address space than a limit would leave
#else
  EXPECT_EXIT(run_with_little_memory(mutate_all), testing::ExitedWithCode(0), "");
#endif
}

void mutate_every_byte(const std::string& bytes) {
  const TestFile file("mutated.pth", bytes);
  if (!accepts(file.path())) throw std::runtime_error("the file is not accepted as it is");
  int refused = 0;
  for (std::size_t position = 0; position < bytes.size(); ++position) {
    for (const unsigned char value : {0x00, 0xff}) {
      auto mutated = bytes;
      mutated[position] = static_cast<char>(value);
      file.write(mutated);
      refused += accepts(file.path()) ? 0 : 1;
    }
    for (int bit = 0; bit < 8; ++bit) {
      auto mutated = bytes;
      mutated[position] = static_cast<char>(mutated[position] ^ (1 << bit));
      file.write(mutated);
      refused += accepts(file.path()) ? 0 : 1;
    }
  }
  // Values of tensors may be anything; most of the rest matters.
  if (refused < static_cast<int>(bytes.size())) throw std::runtime_error("too few mutations were refused");
}

void truncate_everywhere(const std::string& bytes) {
  const TestFile file("truncated.pth");
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    std::ofstream(file.path(), std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(length));
    if (accepts(file.path())) throw std::runtime_error("accepted when cut to " + std::to_string(length));
  }
}

/// Changes `count` times some bytes of a file, anywhere in its first `head` and last `tail` bytes.
void mutate_at_random(const std::filesystem::path& original, std::size_t head, std::size_t tail, int count) {
  std::ifstream stream(original, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  const TestFile file("random.pth");
  std::mt19937 random(20200407);
  for (int i = 0; i < count; ++i) {
    auto mutated = bytes;
    for (std::uint32_t changes = 1 + random() % 4; changes > 0; --changes) {
      const std::size_t place = random() % (head + tail);
      mutated[place < head ? place : bytes.size() - 1 - (place - head)] ^=
          static_cast<char>(1 + random() % 255);
    }
    if (i % 8 == 0) mutated.resize(random() % bytes.size());
    file.write(mutated);
    accepts(file.path());
  }
}

TEST(ImportMutations, EveryByteOfALegacyFile) {
  expect_survives([] { mutate_every_byte(test::legacy_file_of_every_value()); });
}

TEST(ImportMutations, EveryByteOfAZipFile) {
  expect_survives([] { mutate_every_byte(test::zip_file_of_every_value()); });
}

TEST(ImportMutations, EveryTruncation) {
  expect_survives([] { truncate_everywhere(test::legacy_file_of_every_value()); });
  expect_survives([] { truncate_everywhere(test::zip_file_of_every_value()); });
}

TEST(ImportMutations, AuthorsLegacyCheckpoint) {
  REENACT_SHARED_FILE(path, "parity/authors_small_checkpoint.pth");
  expect_survives([&] { mutate_at_random(path, 310'000, 0, 150); });
}

TEST(ImportMutations, AuthorsZipCheckpoint) {
  REENACT_SHARED_FILE(path, "parity/authors_small_finetuned_zip.pth");
  expect_survives([&] { mutate_at_random(path, 200'000, 120'000, 150); });
}

}  // namespace
}  // namespace reenact::training
