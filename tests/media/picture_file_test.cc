// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/picture_file.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <span>
#include <string>

#include "encode.h"
#include "media/jpeg_codec.h"
#include "media/orientation.h"
#include "media/png_codec.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace reenact {
namespace {

using namespace std::string_literals;
using test::corners;
using test::expect_error;
using test::quarters;

/// What the corners of test::quarters() are for EXIF's orientations 1 to 8, by TIFF 6.0's words on the tag.
constexpr const char* turned[] = {"rgbw", "grwb", "wbgr", "bwrg", "rbgw", "brwg", "wgbr", "gwrb"};

/// An EXIF block with nothing but the tag.
std::string exif(int orientation, bool little_endian) {
  const char value = static_cast<char>(orientation);
  return little_endian ? "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"s + value + "\0\0\0\0\0\0\0"s
                       : "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"s + value + "\0\0\0\0\0\0"s;
}

std::string big_endian(std::size_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

class PictureFiles : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return folder_ / name;
  }
  /// As OpenCV encodes it.
  std::string encoded(const std::string& ending, const cv::Mat& rgb) {
    cv::Mat bgr = rgb;
    if (rgb.channels() == 3) cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
    if (rgb.channels() == 4) cv::cvtColor(rgb, bgr, cv::COLOR_RGBA2BGRA);
    std::vector<unsigned char> bytes;
    cv::imencode(ending, bgr, bytes);
    return {bytes.begin(), bytes.end()};
  }

  test::TemporaryFolder folder_;
};

TEST_F(PictureFiles, JpegsAreTurnedByTheirExifTag) {
  const auto jpeg = encoded(".jpg", quarters());
  for (int orientation = 1; orientation <= 8; ++orientation)
    for (const bool little_endian : {true, false}) {
      const auto block = "Exif\0\0"s + exif(orientation, little_endian);
      const auto picture =
          read_rgb(write("a.jpg", jpeg.substr(0, 2) + "\xff\xe1" + big_endian(block.size() + 2, 2) + block +
                                      jpeg.substr(2)));
      EXPECT_EQ(corners(picture), turned[orientation - 1]) << orientation;
      EXPECT_EQ(picture.size(), orientation < 5 ? cv::Size(64, 48) : cv::Size(48, 64)) << orientation;
    }
}

TEST_F(PictureFiles, PngsAreTurnedByTheirExifTag) {
  const auto png = encoded(".png", quarters());
  constexpr std::size_t header = 8 + 25;  // signature and IHDR
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const auto block = exif(orientation, false);
    const auto chunk = big_endian(block.size(), 4) + "eXIf" + block + "\0\0\0\0"s;
    EXPECT_EQ(corners(read_rgb(write("a.png", png.substr(0, header) + chunk + png.substr(header)))),
              turned[orientation - 1])
        << orientation;
  }
}

TEST_F(PictureFiles, WebpsAreReadByGStreamerAndTurned) {
  gst_init(nullptr, nullptr);
  if (!test::have_elements({"webpdec"}) && !test::have_elements({"avdec_webp"}))
    GTEST_SKIP() << "no WebP decoder";
  auto webp = encoded(".webp", quarters());
  EXPECT_EQ(corners(read_rgb(write("a.webp", webp))), "rgbw");
  const auto block = exif(6, true);
  webp += "EXIF" + "\x1a\0\0\0"s + block;
  ASSERT_EQ(block.size(), 26u);
  EXPECT_EQ(orientation_of_picture_file(std::as_bytes(std::span(webp))), 6);
}

TEST_F(PictureFiles, DamagedExifTurnsNothing) {
  for (std::size_t length = 0; length < 26; ++length) {
    const auto block = exif(6, true).substr(0, length);
    EXPECT_EQ(orientation_of_exif(std::as_bytes(std::span(block))), length < 22 ? 1 : 6) << length;
  }
  const auto beyond = "II*\0\xff\xff\xff\xff"s, out_of_range = exif(9, true);
  EXPECT_EQ(orientation_of_exif(std::as_bytes(std::span(beyond))), 1);
  EXPECT_EQ(orientation_of_exif(std::as_bytes(std::span(out_of_range))), 1);
}

TEST_F(PictureFiles, TransparencyIsSeenOverBlack) {
  cv::Mat rgba(8, 8, CV_8UC4, cv::Scalar(200, 100, 50, 128));
  rgba.at<cv::Vec4b>(0, 0) = {200, 100, 50, 0};
  rgba.at<cv::Vec4b>(0, 1) = {200, 100, 50, 255};
  const auto picture = read_rgb(write("a.png", encoded(".png", rgba)));
  EXPECT_EQ(picture.at<cv::Vec3b>(0, 0), cv::Vec3b(0, 0, 0));
  EXPECT_EQ(picture.at<cv::Vec3b>(0, 1), cv::Vec3b(200, 100, 50));
  EXPECT_LE(cv::norm(picture.at<cv::Vec3b>(4, 4), cv::Vec3b(100, 50, 25), cv::NORM_INF), 1);
}

TEST_F(PictureFiles, AreDecodedAsByOpenCV) {
  cv::Mat noise(37, 53, CV_8UC3), grey;
  cv::randu(noise, 0, 256);
  cv::GaussianBlur(noise, noise, {}, 3);
  cv::cvtColor(noise, grey, cv::COLOR_RGB2GRAY);
  for (const std::string ending : {".jpg", ".png", ".bmp"})
    for (const cv::Mat& source : {noise, grey}) {
      if (ending == ".bmp" && source.channels() == 1) continue;
      const auto path = write("a" + ending, encoded(ending, source));
      cv::Mat wanted = cv::imread(path.string(), cv::IMREAD_COLOR);
      cv::cvtColor(wanted, wanted, cv::COLOR_BGR2RGB);
      EXPECT_LE(cv::norm(read_rgb(path), wanted, cv::NORM_INF), 1) << ending;
      EXPECT_LE(cv::norm(read_grey(path), cv::imread(path.string(), cv::IMREAD_GRAYSCALE), cv::NORM_INF), 2)
          << ending;
    }
}

TEST_F(PictureFiles, OfSixteenBitsKeepTheirValues) {
  const cv::Mat deep(8, 8, CV_16UC3, cv::Scalar(10 * 257, 100 * 257, 200 * 257));
  cv::imwrite((folder_ / "a.png").string(), deep);
  EXPECT_EQ(read_rgb(folder_ / "a.png").at<cv::Vec3b>(3, 3), cv::Vec3b(200, 100, 10));
}

TEST_F(PictureFiles, WrittenAreReadByOpenCV) {
  cv::Mat rgba(20, 31, CV_8UC4), bgr;
  cv::randu(rgba, 0, 256);
  const auto png = encode_png(rgba);
  cv::Mat again =
      cv::imdecode(cv::Mat(1, static_cast<int>(png.size()), CV_8UC1, const_cast<std::byte*>(png.data())),
                   cv::IMREAD_UNCHANGED);
  cv::cvtColor(again, again, cv::COLOR_BGRA2RGBA);
  EXPECT_EQ(cv::norm(again, rgba, cv::NORM_INF), 0);
  const auto jpeg = encode_jpeg(quarters(), 95);
  again =
      cv::imdecode(cv::Mat(1, static_cast<int>(jpeg.size()), CV_8UC1, const_cast<std::byte*>(jpeg.data())),
                   cv::IMREAD_COLOR);
  cv::cvtColor(again, again, cv::COLOR_BGR2RGB);
  EXPECT_EQ(corners(again), "rgbw");
  // Another encoder's file of the same quality is the same picture.
  EXPECT_EQ(cv::norm(decode_jpeg(jpeg), read_rgb(write("a.jpg", encoded(".jpg", quarters()))), cv::NORM_INF),
            0);
}

TEST_F(PictureFiles, DamagedAreRefusedByName) {
  for (const std::string ending : {".jpg", ".png"}) {
    const auto whole = encoded(ending, quarters({320, 240}));
    for (const std::size_t length : {std::size_t{20}, whole.size() / 2, whole.size() - whole.size() / 8})
      expect_error([&] { read_rgb(write("cut" + ending, whole.substr(0, length))); }, ErrorCode::unreadable,
                   {"cut" + ending});
  }
  auto damaged = encoded(".png", quarters());
  damaged[damaged.size() / 2] ^= 0x55;
  expect_error([&] { read_rgb(write("bad.png", damaged)); }, ErrorCode::unreadable,
               {"bad.png", "damaged PNG"});
  expect_error([&] { read_rgb(write("text.jpg", "no picture")); }, ErrorCode::unreadable, {"text.jpg"});
  expect_error([&] { read_rgb(write("empty.jpg", "")); }, ErrorCode::unreadable, {"empty.jpg"});
  expect_error([&] { read_rgb(folder_.path()); }, ErrorCode::unreadable, {folder_.path().string()});
  expect_error([&] { read_rgb(folder_ / "absent.jpg"); }, ErrorCode::not_found, {"absent.jpg"});
  // A header that claims more pixels than anybody has memory for.
  auto huge = encoded(".png", quarters());
  huge.replace(16, 8, "\x7f\xff\xff\xff\x7f\xff\xff\xff");
  expect_error([&] { read_rgb(write("huge.png", huge)); }, ErrorCode::unreadable, {"huge.png"});
}

TEST_F(PictureFiles, WithoutADecoderAreNamed) {
  const auto path =
      write("photo.heic", "\0\0\0\x18"s + "ftypheic" + "\0\0\0\0mif1heic"s + std::string(64, '\0'));
  EXPECT_EQ(picture_format(path), "HEIC");
  expect_error([&] { read_rgb(path); }, ErrorCode::unreadable, {"photo.heic"});
}

TEST_F(PictureFiles, AreKnownByTheirFirstBytes) {
  EXPECT_EQ(picture_format(write("a.txt", encoded(".jpg", quarters()))), "JPEG");
  EXPECT_EQ(picture_format(write("b.txt", encoded(".png", quarters()))), "PNG");
  EXPECT_EQ(picture_format(write("c.txt", encoded(".bmp", quarters()))), "BMP");
  EXPECT_EQ(picture_format(write("d.txt", encoded(".tiff", quarters()))), "TIFF");
  EXPECT_EQ(picture_format(write("e.txt", encoded(".ppm", quarters()))), "PNM");
  EXPECT_EQ(picture_format(write("f.jpg", "RIFF....AVI ")), "");
  EXPECT_EQ(picture_format(folder_ / "absent"), "");
}

}  // namespace
}  // namespace reenact
