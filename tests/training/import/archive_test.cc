// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <limits>

#include "pickle_writer.h"
#include "test_file.h"
#include "training/import/torch_archive.h"
#include "zip_writer.h"

namespace reenact::training {
namespace {

using test::expect_error;
using test::LegacyFile;
using test::PickleWriter;
using test::TestFile;
using test::ZipWriter;

constexpr std::int64_t huge = std::int64_t{1} << 62;

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::vector<float> read_floats(const TorchArchive& archive, const PickledTensor& tensor) {
  const auto bytes = archive.read(tensor);
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// {"t": a tensor of storage "0" with the values 0, 1, 2, ...}
LegacyFile legacy_file(std::int64_t offset, const std::vector<std::int64_t>& shape,
                       const std::vector<std::int64_t>& strides, std::int64_t claimed = 6) {
  LegacyFile file;
  file.object = PickleWriter().op('}').text("t").tensor("0", claimed, offset, shape, strides).op('s').stop();
  file.storages = {{"0", {0, 1, 2, 3, 4, 5}}};
  return file;
}

/// The same as a zip archive, as torch.save writes it.
ZipWriter zip_file() {
  ZipWriter zip;
  zip.entries = {{"model/data.pkl",
                  PickleWriter().op('}').text("t").tensor("0", 6, 0, {2, 3}, {3, 1}, false).op('s').stop()},
                 {"model/byteorder", "little"},
                 {"model/data/0", floats({0, 1, 2, 3, 4, 5})},
                 {"model/version", "3\n"}};
  return zip;
}

void expect_refused(ErrorCode code, const std::string& words, const std::string& bytes) {
  const TestFile file("refused.pth", bytes);
  expect_error(code, words, [&] { TorchArchive archive(file.path()); });
  expect_error(code, file.path().filename().string(), [&] { TorchArchive archive(file.path()); });
}

void expect_floats(const std::string& bytes, const std::vector<float>& wanted) {
  const TestFile file("read.pth", bytes);
  const TorchArchive archive(file.path());
  EXPECT_EQ(read_floats(archive, archive.root().at("t").tensor()), wanted);
}

TEST(TorchArchive, ReadsBothContainers) {
  const TestFile legacy("legacy.pth", legacy_file(0, {2, 3}, {3, 1}).bytes());
  const TorchArchive old_archive(legacy.path());
  EXPECT_EQ(old_archive.container(), "legacy");
  EXPECT_EQ(old_archive.root().at("t").tensor().shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(read_floats(old_archive, old_archive.root().at("t").tensor()),
            (std::vector<float>{0, 1, 2, 3, 4, 5}));

  const TestFile zip("zip.pth", zip_file().bytes());
  const TorchArchive new_archive(zip.path());
  EXPECT_EQ(new_archive.container(), "zip");
  EXPECT_EQ(read_floats(new_archive, new_archive.root().at("t").tensor()),
            (std::vector<float>{0, 1, 2, 3, 4, 5}));
}

TEST(TorchArchive, RespectsOffsetsAndStrides) {
  expect_floats(legacy_file(2, {3}, {1}).bytes(), {2, 3, 4});
  expect_floats(legacy_file(0, {3, 2}, {1, 3}).bytes(), {0, 3, 1, 4, 2, 5});
  expect_floats(legacy_file(1, {2, 2}, {3, 1}).bytes(), {1, 2, 4, 5});
  expect_floats(legacy_file(4, {2, 2}, {0, 1}).bytes(), {4, 5, 4, 5});
  expect_floats(legacy_file(0, {2, 1, 3}, {1, 77, 2}).bytes(), {0, 2, 4, 1, 3, 5});
  expect_floats(legacy_file(5, {}, {}).bytes(), {5});
  expect_floats(legacy_file(6, {0}, {1}).bytes(), {});
  expect_floats(legacy_file(0, {2, 0, 3}, {3, 3, 1}).bytes(), {});
}

TEST(TorchArchive, Sha256IsThatOfTheFile) {
  const TestFile file("digest.pth", legacy_file(0, {2, 3}, {3, 1}).bytes());
  const std::string command = "sha256sum '" + file.path().string() + "'";
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  char digest[65] = {};
  ASSERT_TRUE(pipe && std::fgets(digest, sizeof digest, pipe.get()));
  EXPECT_EQ(TorchArchive(file.path()).sha256(), digest);
}

TEST(TorchArchive, RefusesTensorsOutsideTheirStorage) {
  const std::string words = "reaches beyond its storage 0 of 6";
  expect_refused(ErrorCode::corrupt, words, legacy_file(6, {1}, {1}).bytes());
  expect_refused(ErrorCode::corrupt, words, legacy_file(0, {7}, {1}).bytes());
  expect_refused(ErrorCode::corrupt, words, legacy_file(0, {2, 3}, {4, 1}).bytes());
  expect_refused(ErrorCode::corrupt, words, legacy_file(1, {2, 3}, {3, 1}).bytes());
  expect_refused(ErrorCode::corrupt, words, legacy_file(7, {0}, {1}).bytes());
  expect_refused(ErrorCode::corrupt, words, legacy_file(huge, {1}, {1}).bytes());
  expect_refused(ErrorCode::corrupt, words, legacy_file(huge, {2}, {huge}).bytes());
  expect_refused(ErrorCode::corrupt, words, legacy_file(0, {huge, huge}, {0, 0}).bytes());
  expect_refused(ErrorCode::corrupt, words, legacy_file(0, {3, 2}, {huge, 1}).bytes());
  expect_refused(ErrorCode::corrupt, words,
                 legacy_file(1, {2}, {std::numeric_limits<std::int64_t>::max()}).bytes());
}

TEST(TorchArchive, RefusesRepetitionBeyondAGibibyteOnlyWhenItIsRead) {
  const TestFile file("repeated.pth", legacy_file(0, {1 << 20, 1 << 20}, {0, 0}).bytes());
  const TorchArchive archive(file.path());
  expect_error(ErrorCode::corrupt, "more than 1 GiB", [&] { archive.read(archive.root().at("t").tensor()); });
}

TEST(TorchArchive, RefusesLegacyStoragesThatAreNotThere) {
  const auto changed = [](const std::function<void(LegacyFile&)>& change) {
    auto file = legacy_file(0, {2, 3}, {3, 1});
    change(file);
    return file.bytes();
  };
  expect_refused(ErrorCode::corrupt, "6 elements in storage 0, of which 7",
                 legacy_file(0, {2, 3}, {3, 1}, 7).bytes());
  expect_refused(ErrorCode::corrupt, "6 elements in storage 0, of which 4611686018427387904",
                 legacy_file(0, {2, 3}, {3, 1}, huge).bytes());
  expect_refused(ErrorCode::corrupt, "lacks the storage 0",
                 changed([](auto& file) { file.storages.clear(); }));
  expect_refused(ErrorCode::corrupt, "storage 1 that no tensor uses", changed([](auto& file) {
                   file.storages.push_back({"1", {1}});
                 }));
  expect_refused(ErrorCode::corrupt, "holds storage 0 twice",
                 changed([](auto& file) { file.storages.push_back(file.storages[0]); }));
  auto truncated = legacy_file(0, {2, 3}, {3, 1}).bytes();
  truncated.pop_back();
  expect_refused(ErrorCode::corrupt, "claims 24 more bytes and has 23", truncated);
  // The count in the data agrees with the pickle's, and both lie.
  auto lying = legacy_file(0, {2, 3}, {3, 1}, huge).bytes();
  std::memcpy(lying.data() + lying.size() - 6 * sizeof(float) - sizeof huge, &huge, sizeof huge);
  expect_refused(ErrorCode::corrupt, "more than any file holds", lying);
  // Two claims about one storage.
  PickleWriter writer;
  writer.op('}').mark().text("a").tensor("0", 6, 0, {6}, {1});
  writer.text("t").tensor("0", 6, 0, {6}, {1}, true, "DoubleStorage").op('u');
  expect_refused(ErrorCode::corrupt, "24 bytes in storage 0, where a tensor wants 48",
                 changed([&](auto& file) { file.object = writer.stop(); }));
}

TEST(TorchArchive, RefusesOtherLegacyHeads) {
  const auto changed = [](const std::function<void(LegacyFile&)>& change) {
    auto file = legacy_file(0, {2, 3}, {3, 1});
    change(file);
    return file.bytes();
  };
  expect_refused(ErrorCode::corrupt, "without PyTorch's magic number",
                 changed([](auto& file) { file.magic = PickleWriter().integer(5).stop(); }));
  expect_refused(ErrorCode::corrupt, "without PyTorch's magic number",
                 changed([](auto& file) { file.magic[5] ^= 1; }));
  expect_refused(ErrorCode::unsupported, "file version 1002",
                 changed([](auto& file) { file.version = PickleWriter().integer(1002).stop(); }));
  expect_refused(ErrorCode::unsupported, "big-endian", changed([](auto& file) {
                   file.machine = PickleWriter().op('}').text("little_endian").ops("\x89s").stop();
                 }));
  expect_refused(ErrorCode::corrupt, "has no entry little_endian",
                 changed([](auto& file) { file.machine = PickleWriter().op('}').stop(); }));
  expect_refused(ErrorCode::unsupported, "asks for the Python object os.system", changed([](auto& file) {
                   file.machine = PickleWriter().global("os", "system").text("true").ops("\x85R").stop();
                 }));
}

TEST(TorchArchive, RunsNothing) {
  const TestFile marker("marker");
  auto file = legacy_file(0, {2, 3}, {3, 1});
  file.object = PickleWriter()
                    .global("os", "system")
                    .text("touch '" + marker.path().string() + "'")
                    .ops("\x85R")
                    .stop();
  expect_refused(ErrorCode::unsupported, "os.system", file.bytes());
  EXPECT_FALSE(std::filesystem::exists(marker.path()));
}

TEST(TorchArchive, RefusesWhatIsNoPyTorchFile) {
  expect_error(ErrorCode::not_found, "cannot be opened", [] { TorchArchive archive("/no/such/file.pth"); });
  expect_error(ErrorCode::unreadable, "is not a file", [] { TorchArchive archive(testing::TempDir()); });
  const TestFile empty("empty.pth");
  std::ofstream(empty.path()).flush();
  expect_error(ErrorCode::corrupt, "is empty", [&] { TorchArchive archive(empty.path()); });
  expect_refused(ErrorCode::corrupt, "neither as a zip archive nor as a pickle", "Hello");
  expect_refused(ErrorCode::corrupt, "damaged zip archive", "PK");
  expect_refused(ErrorCode::corrupt, "damaged zip archive", "PK\x03\x04 and nothing else");
  ZipWriter other;
  other.entries = {{"readme.txt", "hello"}};
  expect_refused(ErrorCode::corrupt, "without data.pkl", other.bytes());
}

TEST(TorchArchive, RefusesCompressedAndEncryptedEntries) {
  auto zip = zip_file();
  zip.entries[2].method = 8;
  expect_refused(ErrorCode::unsupported, "compressed or encrypted entry model/data/0", zip.bytes());
  // A bomb: few deflated bytes that claim a gibibyte.
  zip.entries[2].size = 1u << 30;
  expect_refused(ErrorCode::unsupported, "compressed or encrypted entry model/data/0", zip.bytes());
  zip = zip_file();
  zip.entries[0].flags = 1;
  expect_refused(ErrorCode::unsupported, "compressed or encrypted entry model/data.pkl", zip.bytes());
  zip = zip_file();
  zip.entries[2].size = 1u << 30;
  expect_refused(ErrorCode::unsupported, "compressed or encrypted entry model/data/0", zip.bytes());
}

TEST(TorchArchive, RefusesZipClaimsBeyondTheFile) {
  const std::string words = "its entries claim more bytes than the";
  auto zip = zip_file();
  zip.entries[2].size64 = std::uint64_t{1} << 40;
  expect_refused(ErrorCode::corrupt, words, zip.bytes());
  zip.entries[2].size64 = ~std::uint64_t{0} - 1;
  zip.entries[0].size64 = 100;
  EXPECT_THROW(TorchArchive(TestFile("zip64.pth", zip.bytes()).path()), Error);
  // Overlapping entries: a hundred names for the same bytes.
  zip = zip_file();
  for (int i = 0; i < 100; ++i) {
    auto copy = zip.entries[0];
    copy.name = "model/data/" + std::to_string(i + 1);
    copy.offset = 0;
    copy.only_listed = true;
    zip.entries.push_back(copy);
  }
  expect_refused(ErrorCode::corrupt, words, zip.bytes());
}

TEST(TorchArchive, RefusesDamagedZipArchives) {
  auto zip = zip_file();
  zip.entries[0].checksum = 1;
  expect_refused(ErrorCode::corrupt, "model/data.pkl is absent, cut off or fails its checksum", zip.bytes());

  zip = zip_file();
  zip.entries[2].checksum = 1;
  const TestFile damaged("checksum.pth", zip.bytes());
  const TorchArchive archive(damaged.path());
  expect_error(ErrorCode::corrupt, "model/data/0 is absent, cut off or fails its checksum",
               [&] { archive.read(archive.root().at("t").tensor()); });

  zip = zip_file();
  zip.entries.erase(zip.entries.begin() + 2);
  expect_refused(ErrorCode::corrupt, "model/data/0 is absent", zip.bytes());
  zip = zip_file();
  zip.entries[2].data.pop_back();
  expect_refused(ErrorCode::corrupt, "23 bytes in storage 0, where a tensor wants 24", zip.bytes());
  zip = zip_file();
  zip.entries[1].data = "big";
  expect_refused(ErrorCode::unsupported, "in big byte order", zip.bytes());

  const auto expect_throw = [](const ZipWriter& writer) {
    EXPECT_THROW(TorchArchive(TestFile("lying.pth", writer.bytes()).path()), Error);
  };
  zip = zip_file();
  zip.entry_count = 65535;
  expect_throw(zip);
  zip = zip_file();
  zip.directory_size = 0xfffffff0;
  expect_throw(zip);
  zip = zip_file();
  zip.directory_offset = 0xfffffff0;
  expect_throw(zip);
  zip = zip_file();
  zip.entries[0].offset = 0x7fffffff;
  expect_throw(zip);
}

TEST(TorchArchive, StorageKeysCannotLeaveTheArchive) {
  auto zip = zip_file();
  zip.entries[0].data =
      PickleWriter().op('}').text("t").tensor("../../../etc/passwd", 6, 0, {6}, {1}, false).op('s').stop();
  expect_refused(ErrorCode::corrupt, "model/data/../../../etc/passwd is absent", zip.bytes());
}

}  // namespace
}  // namespace reenact::training
