// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/event_writer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <opencv2/imgcodecs.hpp>

#include "support/errors.h"
#include "support/temporary_folder.h"
#include "training/run/tfrecord.h"

namespace reenact::training {
namespace {

/// CRC-32C bit by bit, apart from the table of the code under test.
std::uint32_t plain_crc32c(const std::string& bytes) {
  std::uint32_t crc = ~0u;
  for (const unsigned char byte : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      const bool one = (crc ^ (byte >> bit)) & 1;
      crc >>= 1;
      if (one) crc ^= 0x82F63B78u;
    }
  return ~crc;
}

template <typename Value>
Value read(const std::string& bytes, std::size_t offset) {
  Value value{};
  if (offset + sizeof value > bytes.size()) throw std::out_of_range("the record ends early");
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::uint32_t unmask(std::uint32_t masked) {
  const std::uint32_t rotated = masked - 0xa282ead8u;
  return (rotated >> 17) | (rotated << 15);
}

/// Splits a file into records, checking both sums of each.
std::vector<std::string> records_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(stream), {}};
  std::vector<std::string> records;
  for (std::size_t offset = 0; offset < file.size();) {
    const auto length = read<std::uint64_t>(file, offset);
    EXPECT_EQ(unmask(read<std::uint32_t>(file, offset + 8)), plain_crc32c(file.substr(offset, 8)));
    const std::string record = file.substr(offset + 12, length);
    EXPECT_EQ(record.size(), length);
    EXPECT_EQ(unmask(read<std::uint32_t>(file, offset + 12 + length)), plain_crc32c(record));
    records.push_back(record);
    offset += length + 16;
  }
  return records;
}

std::uint64_t read_varint(const std::string& bytes, std::size_t& offset) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.at(offset++));
    value |= std::uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return value;
  }
}

/// The fields of one protocol buffer message in wire format; numbers as their eight bytes.
std::multimap<int, std::string> fields_of(const std::string& message) {
  std::multimap<int, std::string> fields;
  for (std::size_t offset = 0; offset < message.size();) {
    const auto key = read_varint(message, offset);
    std::string value;
    switch (key & 7) {
      case 0: {
        const std::uint64_t number = read_varint(message, offset);
        value.assign(reinterpret_cast<const char*>(&number), sizeof number);
        break;
      }
      case 1:
      case 5: {
        const std::size_t size = (key & 7) == 1 ? 8 : 4;
        value = message.substr(offset, size);
        offset += size;
        break;
      }
      case 2: {
        const auto size = read_varint(message, offset);
        value = message.substr(offset, size);
        offset += size;
        break;
      }
      default:
        throw std::runtime_error("unknown wire type");
    }
    fields.emplace(static_cast<int>(key >> 3), value);
  }
  return fields;
}

std::string field(const std::string& message, int number) {
  const auto fields = fields_of(message);
  const auto found = fields.find(number);
  return found == fields.end() ? std::string() : found->second;
}

// Field numbers of tensorflow.Event, Summary.Value and Summary.Image.
constexpr int event_time = 1, event_step = 2, event_version = 3, event_summary = 5, summary_value = 1;
constexpr int value_tag = 1, value_simple = 2, value_image = 4;
constexpr int image_height = 1, image_width = 2, image_colorspace = 3, image_bytes = 4;

std::string value_of(const std::string& event) {
  return field(field(event, event_summary), summary_value);
}

TEST(Crc32c, KnowsThePublishedVectors) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
  EXPECT_EQ(crc32c(""), 0u);
}

TEST(EventWriter, WritesWhatTensorBoardReads) {
  test::TemporaryFolder folder;
  cv::Mat picture(3, 5, CV_8UC3);
  for (int i = 0; i < 45; ++i) picture.data[i] = static_cast<unsigned char>(5 * i);
  std::filesystem::path path;
  {
    EventWriter writer(folder / "events");
    path = writer.path();
    writer.scalar("loss/content", 300, 0.125);
    writer.scalar("loss/content", 1'000'000'000'000, -2.5);
    writer.image("sheet", 301, picture);
  }
  EXPECT_EQ(path.filename().string().rfind("events.out.tfevents.", 0), 0u);
  const auto records = records_of(path);
  ASSERT_EQ(records.size(), 4u);

  EXPECT_EQ(field(records[0], event_version), "brain.Event:2");
  for (const auto& record : records) {
    const auto age = static_cast<double>(std::time(nullptr)) - read<double>(field(record, event_time), 0);
    EXPECT_LT(std::abs(age), 3600.0);
  }

  EXPECT_EQ(read<std::int64_t>(field(records[1], event_step), 0), 300);
  EXPECT_EQ(field(value_of(records[1]), value_tag), "loss/content");
  EXPECT_EQ(read<float>(field(value_of(records[1]), value_simple), 0), 0.125f);
  EXPECT_EQ(read<std::int64_t>(field(records[2], event_step), 0), 1'000'000'000'000);
  EXPECT_EQ(read<float>(field(value_of(records[2]), value_simple), 0), -2.5f);

  const std::string image = field(value_of(records[3]), value_image);
  EXPECT_EQ(field(value_of(records[3]), value_tag), "sheet");
  EXPECT_EQ(read<std::int64_t>(field(image, image_height), 0), 3);
  EXPECT_EQ(read<std::int64_t>(field(image, image_width), 0), 5);
  EXPECT_EQ(read<std::int64_t>(field(image, image_colorspace), 0), 3);
  const std::string png = field(image, image_bytes);
  const cv::Mat bgr = cv::imdecode(std::vector<char>(png.begin(), png.end()), cv::IMREAD_COLOR);
  ASSERT_EQ(bgr.size(), picture.size());
  EXPECT_EQ(bgr.at<cv::Vec3b>(1, 2)[0], picture.at<cv::Vec3b>(1, 2)[2]) << "blue";
  EXPECT_EQ(bgr.at<cv::Vec3b>(1, 2)[2], picture.at<cv::Vec3b>(1, 2)[0]) << "red";
}

TEST(EventWriter, StartsAFileOfItsOwnEachTime) {
  test::TemporaryFolder folder;
  const EventWriter first(folder.path()), second(folder.path());
  EXPECT_NE(first.path(), second.path());
}

TEST(EventWriter, RefusesAFolderThatCannotBe) {
  test::TemporaryFolder folder;
  std::ofstream(folder / "file") << "x";
  test::expect_error([&] { EventWriter(folder / "file"); }, ErrorCode::unreadable, {"file"});
}

TEST(EventWriter, AFullDiskLeavesAReadableFileAndTheRunGoesOn) {
  test::TemporaryFolder folder;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  EventWriter writer(folder.path());
  writer.scalar("a", 1, 1);
  writer.flush();

  rlimit full = before;
  full.rlim_cur = std::filesystem::file_size(writer.path()) + 20;  // part of a record fits
  setrlimit(RLIMIT_FSIZE, &full);
  writer.scalar("a", 2, 2);
  writer.flush();
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(records_of(writer.path()).size(), 2u);

  writer.scalar("a", 3, 3);
  writer.flush();
  const auto records = records_of(writer.path());
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(read<std::int64_t>(field(records[2], event_step), 0), 3);
}

}  // namespace
}  // namespace reenact::training
