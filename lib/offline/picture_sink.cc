// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offline/picture_sink.h"

#include <algorithm>
#include <cstdio>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "media/clip_writer.h"
#include "media/picture_file.h"
#include "offline/contact_sheet.h"
#include "reenact/error.h"

namespace reenact {
namespace fs = std::filesystem;
namespace {

class FolderSink : public PictureSink {
 public:
  explicit FolderSink(fs::path folder) : folder_(std::move(folder)) {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error || !fs::is_directory(folder_))
      throw Error(ErrorCode::unreadable,
                  "cannot create the folder '" + folder_.string() + "' for the pictures");
  }
  void add(const cv::Mat& picture, std::int64_t) override {
    char name[32];
    std::snprintf(name, sizeof name, "%06d.png", index_++);
    write_png(folder_ / name, picture);
  }
  void finish() override {}

 private:
  fs::path folder_;
  int index_ = 0;
};

class StripSink : public PictureSink {
 public:
  explicit StripSink(fs::path path) : path_(std::move(path)) {}
  void add(const cv::Mat& picture, std::int64_t) override {
    constexpr int longest_strip = 30000;
    if (width_ + picture.cols > longest_strip)
      throw Error(ErrorCode::invalid,
                  "'" + path_.string() + "' would be wider than " + std::to_string(longest_strip) +
                      " pixels, wanted fewer pictures (--every, --limit), a folder or a clip");
    width_ += picture.cols;
    pictures_.push_back(picture.clone());
  }
  void finish() override {
    if (pictures_.empty()) return;
    cv::Mat strip;
    cv::hconcat(pictures_, strip);
    write_png(path_, strip);
  }

 private:
  fs::path path_;
  int width_ = 0;
  std::vector<cv::Mat> pictures_;
};

class ClipSink : public PictureSink {
 public:
  ClipSink(const fs::path& path, double frame_rate) : path_(path), writer_(path, frame_rate) {}
  void add(const cv::Mat& picture, std::int64_t timestamp) override {
    if (picture.type() != CV_8UC3)
      throw Error(
          ErrorCode::invalid,
          "'" + path_.string() + "' is a clip and cannot hold transparency, wanted a folder or a .png");
    writer_.add(picture, timestamp);
  }
  void finish() override { writer_.finish(); }

 private:
  fs::path path_;
  ClipWriter writer_;
};

}  // namespace

std::unique_ptr<PictureSink> open_sink(const fs::path& path, double frame_rate) {
  const std::string ending = lower_extension(path);
  if (ending == ".png") return std::make_unique<StripSink>(path);
  if (ClipWriter::writes(path)) return std::make_unique<ClipSink>(path, frame_rate);
  // A folder of that name would be a surprise.
  for (const char* other : {".webm", ".mpg", ".mpeg", ".ts", ".flv", ".wmv", ".3gp", ".ogv", ".gif", ".jpg",
                            ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif", ".safetensors"})
    if (ending == other)
      throw Error(ErrorCode::unsupported,
                  "cannot write '" + path.string() +
                      "', wanted a folder, a picture .png or a clip .mp4, .m4v, .mov, .mkv or .avi");
  return std::make_unique<FolderSink>(path);
}

}  // namespace reenact
