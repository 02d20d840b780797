// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/picture_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <opencv2/imgproc.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "media/clip_reader.h"
#include "media/jpeg_codec.h"
#include "media/orientation.h"
#include "media/png_codec.h"
#include "reenact/error.h"

namespace reenact {
namespace fs = std::filesystem;
namespace {

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  const char* format;
};

constexpr std::size_t longest_signature = 12;

std::string format_of(std::string_view first) {
  using namespace std::string_view_literals;
  constexpr std::array signatures = {
      Signature{0, "\xff\xd8\xff"sv, "JPEG"},
      Signature{0, "\x89PNG\r\n\x1a\n"sv, "PNG"},
      Signature{8, "WEBP"sv, "WebP"},
      Signature{0, "BM"sv, "BMP"},
      Signature{0, "II*\0"sv, "TIFF"},
      Signature{0, "MM\0*"sv, "TIFF"},
      Signature{0, "GIF8"sv, "GIF"},
      Signature{4, "ftypheic"sv, "HEIC"},
      Signature{4, "ftypheix"sv, "HEIC"},
      Signature{4, "ftypheim"sv, "HEIC"},
      Signature{4, "ftypmif1"sv, "HEIC"},
      Signature{4, "ftypmsf1"sv, "HEIC"},
      Signature{4, "ftypavif"sv, "AVIF"},
      Signature{4, "jP  \r\n\x87\n"sv, "JPEG 2000"},
      Signature{0, "\xff\x4f\xff\x51"sv, "JPEG 2000"},
      Signature{0, "\x76\x2f\x31\x01"sv, "OpenEXR"},
  };
  for (const auto& signature : signatures)
    if (first.size() > signature.offset && first.substr(signature.offset).starts_with(signature.bytes) &&
        (std::string_view(signature.format) != "WebP" || first.starts_with("RIFF")))
      return signature.format;
  if (first.size() > 2 && first[0] == 'P' && first[1] >= '1' && first[1] <= '7' &&
      std::strchr(" \t\r\n#", first[2]))
    return "PNM";
  return {};
}

std::vector<std::byte> content_of(const fs::path& path) {
  std::error_code missing;
  if (!fs::exists(path, missing))
    throw Error(ErrorCode::not_found, "found no picture '" + path.string() + "'");
  if (fs::is_directory(path, missing))
    throw Error(ErrorCode::unreadable,
                "cannot read '" + path.string() + "': it is a folder, wanted a picture");
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const auto size = file.tellg();
  std::vector<std::byte> content(file && size > 0 ? static_cast<std::size_t>(size) : 0);
  file.seekg(0);
  file.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(content.size()));
  if (!file)
    throw Error(ErrorCode::unreadable, "cannot read '" + path.string() + "': " + std::strerror(errno));
  return content;
}

/// 1, 3 or 4 channels of 8 bits, upright.
cv::Mat read_picture(const fs::path& path) {
  const auto file = content_of(path);
  const std::string format =
      format_of({reinterpret_cast<const char*>(file.data()), std::min(file.size(), longest_signature)});
  if (format.empty())
    throw Error(ErrorCode::unreadable,
                "cannot read '" + path.string() + "': it is no picture of a known format");
  cv::Mat picture;
  try {
    if (format == "JPEG") {
      picture = decode_jpeg(file);
    } else if (format == "PNG") {
      picture = decode_png(file);
    } else {
      auto frame = ClipReader(path).next();
      if (frame) picture = frame->picture;
    }
  } catch (const Error& error) {
    if (format != "JPEG" && format != "PNG") throw;  // names the file itself
    throw Error(ErrorCode::unreadable,
                "cannot read '" + path.string() + "', a damaged " + format + ": " + error.what());
  }
  if (picture.empty())
    throw Error(ErrorCode::unreadable,
                "cannot read '" + path.string() + "': the " + format + " holds no picture");
  return turned_upright(picture, orientation_of_picture_file(file));
}

}  // namespace

std::string picture_format(const fs::path& path) {
  std::array<char, longest_signature> first;
  std::ifstream file(path, std::ios::binary);
  file.read(first.data(), first.size());
  return format_of({first.data(), static_cast<std::size_t>(file.gcount())});
}

bool is_still_picture(const std::filesystem::path& path) {
  const std::string format = picture_format(path);
  return !format.empty() && format != "GIF";
}

std::string lower_extension(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return ending;
}

cv::Mat read_rgb(const fs::path& path) {
  cv::Mat picture = read_picture(path);
  if (picture.channels() == 4) return over_black(picture);
  if (picture.channels() == 1) cv::cvtColor(picture, picture, cv::COLOR_GRAY2RGB);
  return picture;
}

cv::Mat read_grey(const fs::path& path) {
  cv::Mat picture = read_picture(path);
  if (picture.channels() == 4) picture = over_black(picture);
  if (picture.channels() == 3) cv::cvtColor(picture, picture, cv::COLOR_RGB2GRAY);
  return picture;
}

cv::Mat without_alpha(const cv::Mat& rgba) {
  cv::Mat rgb;
  cv::cvtColor(rgba, rgb, cv::COLOR_RGBA2RGB);
  return rgb;
}

cv::Mat over_black(const cv::Mat& rgba) {
  cv::Mat rgb, alpha, alphas;
  cv::cvtColor(rgba, rgb, cv::COLOR_RGBA2RGB);
  cv::extractChannel(rgba, alpha, 3);
  cv::cvtColor(alpha, alphas, cv::COLOR_GRAY2RGB);
  cv::multiply(rgb, alphas, rgb, 1.0 / 255);
  return rgb;
}

}  // namespace reenact
