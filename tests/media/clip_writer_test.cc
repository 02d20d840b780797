// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/clip_writer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "encode.h"
#include "media/clip_reader.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace reenact {
namespace {

using test::expect_error;

/// As a full disk, for files of this process: writing more than so many bytes fails.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_;
  void (*handler_)(int);
};

class ClipWriters : public ::testing::Test {
 protected:
  void write(const std::string& name, double rate, const std::vector<std::int64_t>& times) {
    ClipWriter writer(folder_ / name, rate);
    for (const auto time : times) writer.add(test::quarters(), time);
    writer.finish();
  }
  std::vector<std::int64_t> times_in(const std::string& name) {
    ClipReader reader(folder_ / name);
    std::vector<std::int64_t> times;
    while (const auto frame = reader.next()) {
      EXPECT_EQ(test::corners(frame->picture), "rgbw");
      times.push_back(frame->timestamp);
    }
    return times;
  }

  test::TemporaryFolder folder_;
};

TEST_F(ClipWriters, KeepTheTimesOfAnyRate) {
  for (const std::string name : {"clip.mp4", "clip.m4v", "clip.mov", "clip.MKV", "clip.avi"})
    for (const double rate : {1.0, 12.5, 23.976, 29.97, 66.667, 211.222, 1000.0}) {
      std::vector<std::int64_t> times;
      for (int i = 0; i < 12; ++i) times.push_back(std::llround(i * 1e9 / rate));
      write(name, rate, times);
      const auto read = times_in(name);
      ASSERT_EQ(read.size(), times.size()) << name << " " << rate;
      for (std::size_t i = 0; i < times.size(); ++i)
        EXPECT_NEAR(read[i], times[i], name == "clip.avi" ? 3e5 : 11e3) << name << " " << rate << " " << i;
    }
}

TEST_F(ClipWriters, KeepTheTimesOfAVariableRate) {
  const std::vector<std::int64_t> times = {0,           1'000'000,     34'000'000,
                                           500'000'000, 3'500'000'000, 3'517'000'000};
  for (const std::string name : {"clip.mp4", "clip.mov", "clip.mkv"}) {
    write(name, 25, times);
    const auto read = times_in(name);
    ASSERT_EQ(read.size(), times.size()) << name;
    for (std::size_t i = 0; i < times.size(); ++i) EXPECT_NEAR(read[i], times[i], 11e3) << name;
  }
  expect_error([&] { write("clip.avi", 25, times); }, ErrorCode::invalid, {"clip.avi", "one frame rate"});
  EXPECT_FALSE(std::filesystem::exists(folder_ / "clip.avi"));
}

TEST_F(ClipWriters, AreReadByFFmpeg) {
  for (const std::string name : {"clip.mp4", "clip.mov", "clip.mkv", "clip.avi"}) {
    write(name, 20, {0, 50'000'000, 100'000'000, 150'000'000});
    cv::VideoCapture capture((folder_ / name).string(), cv::CAP_FFMPEG);
    cv::Mat bgr, rgb;
    int count = 0;
    while (capture.read(bgr)) {
      cv::cvtColor(bgr, rgb, cv::COLOR_BGR2RGB);
      EXPECT_EQ(test::corners(rgb), "rgbw") << name;
      EXPECT_NEAR(capture.get(cv::CAP_PROP_POS_MSEC), 50 * count, 1) << name;
      ++count;
    }
    EXPECT_EQ(count, 4) << name;
  }
}

TEST_F(ClipWriters, SayThatTheDiskIsFullAndLeaveTheOlderFile) {
  for (const std::string name : {"clip.mp4", "clip.mov", "clip.mkv", "clip.avi"}) {
    std::ofstream(folder_ / name) << "older";
    const FullDisk full(16 << 10);
    expect_error(
        [&] {
          ClipWriter writer(folder_ / name, 25);
          for (int i = 0; i < 40; ++i) {
            cv::Mat noise(128, 128, CV_8UC3);
            cv::randu(noise, 0, 256);
            writer.add(noise, i * 40'000'000LL);
          }
          writer.finish();
        },
        ErrorCode::unreadable, {"cannot write", name});
    std::ostringstream content;
    content << std::ifstream(folder_ / name).rdbuf();
    EXPECT_EQ(content.str(), "older") << name;
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 4)
      << "no temporary file stays";
}

TEST_F(ClipWriters, RefuseWhatTheyCannotWrite) {
  expect_error([&] { ClipWriter(folder_ / "clip.webm", 25); }, ErrorCode::unsupported, {"clip.webm", ".mp4"});
  for (const double rate : {0.0, -1.0, std::nan("")})
    expect_error([&] { ClipWriter(folder_ / "clip.mp4", rate); }, ErrorCode::invalid, {"clip.mp4"});
  expect_error([&] { ClipWriter(folder_ / "clip.avi", 2000); }, ErrorCode::invalid, {"clip.avi"});
  ClipWriter writer(folder_ / "clip.mp4", 25);
  writer.add(test::quarters(), 0);
  expect_error([&] { writer.add(test::quarters({32, 32}), 1); }, ErrorCode::invalid, {"one size"});
  expect_error([&] { writer.add(cv::Mat(8, 8, CV_8UC4), 1); }, ErrorCode::invalid, {"RGB"});
  expect_error([&] { ClipWriter("/proc/none/clip.mp4", 25).add(test::quarters(), 0); }, ErrorCode::unreadable,
               {"/proc/none/clip.mp4"});
}

TEST_F(ClipWriters, TakeOddSizes) {
  for (const std::string name : {"clip.mp4", "clip.avi"}) {
    ClipWriter writer(folder_ / name, 25);
    for (int i = 0; i < 3; ++i) writer.add(test::quarters({67, 45}), i * 40'000'000LL);
    writer.finish();
    const auto frame = ClipReader(folder_ / name).next();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->picture.size(), cv::Size(67, 45)) << name;
  }
}

}  // namespace
}  // namespace reenact
