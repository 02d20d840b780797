// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offline/picture_sink.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <string>
#include <vector>

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
  void add(const cv::Mat& picture) override {
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
  void add(const cv::Mat& picture) override {
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
  ClipSink(fs::path path, double frame_rate)
      : path_(std::move(path)),
        // The ending stays: OpenCV chooses the container by it.
        temporary_(path_.parent_path() / (path_.stem().string() + ".part-" + std::to_string(::getpid()) +
                                          path_.extension().string())),
        frame_rate_(frame_rate) {}
  ~ClipSink() override {
    writer_.release();
    std::error_code error;
    fs::remove(temporary_, error);
  }
  void add(const cv::Mat& picture) override {
    if (picture.type() != CV_8UC3)
      throw Error(
          ErrorCode::invalid,
          "'" + path_.string() + "' is a clip and cannot hold transparency, wanted a folder or a .png");
    if (!writer_.isOpened()) open(picture.size());
    cv::Mat bgr;
    cv::cvtColor(picture, bgr, cv::COLOR_RGB2BGR);
    writer_.write(bgr);
  }
  void finish() override {
    if (!writer_.isOpened()) return;
    writer_.release();
    std::error_code error;
    fs::rename(temporary_, path_, error);
    if (error)
      throw Error(ErrorCode::unreadable, "cannot write '" + path_.string() + "': " + error.message());
  }

 private:
  void open(cv::Size size) {
    if (!path_.parent_path().empty()) {
      std::error_code error;
      fs::create_directories(path_.parent_path(), error);
    }
    // MPEG-4 part 2 and Motion JPEG are in every FFmpeg build; H.264 is not.
    const bool avi = path_.extension() == ".avi";
    const int codec =
        avi ? cv::VideoWriter::fourcc('M', 'J', 'P', 'G') : cv::VideoWriter::fourcc('m', 'p', '4', 'v');
    writer_.open(temporary_.string(), codec, frame_rate_, size);
    if (!writer_.isOpened())
      throw Error(ErrorCode::unsupported,
                  "cannot write the clip '" + path_.string() +
                      "': its folder is not writable or OpenCV has no encoder for it");
  }

  fs::path path_, temporary_;
  double frame_rate_;
  cv::VideoWriter writer_;
};

}  // namespace

std::unique_ptr<PictureSink> open_sink(const fs::path& path, double frame_rate) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  if (ending == ".png") return std::make_unique<StripSink>(path);
  if (ending == ".mp4" || ending == ".avi") return std::make_unique<ClipSink>(path, frame_rate);
  return std::make_unique<FolderSink>(path);
}

}  // namespace reenact
