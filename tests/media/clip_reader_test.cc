// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/clip_reader.h"

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <fstream>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "encode.h"
#include "media/clip_writer.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace reenact {
namespace {

using test::corners;
using test::encode;
using test::expect_error;
using test::have_elements;
using test::quarters;
using test::steady_frames;

#define NEEDS(...) \
  if (!have_elements({__VA_ARGS__})) GTEST_SKIP() << "an element is not installed"

class ClipReaders : public ::testing::Test {
 protected:
  ClipReaders() { gst_init(nullptr, nullptr); }

  std::string sink(const std::string& name) { return " ! filesink location=\"" + file(name) + "\""; }
  std::string file(const std::string& name) { return (folder_ / name).string(); }
  /// A clip of ours, whose frame `i` has the grey level 20 i.
  std::string numbered_clip(const std::string& name, int count) {
    ClipWriter writer(file(name), 25);
    for (int i = 0; i < count; ++i)
      writer.add(cv::Mat(48, 64, CV_8UC3, cv::Scalar::all(20 * i)), i * 40'000'000LL);
    writer.finish();
    return file(name);
  }
  static int number_of(const cv::Mat& picture) { return cvRound(cv::mean(picture)[1] / 20); }

  static std::string content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  static void write(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
  }

  test::TemporaryFolder folder_;
};

/// A whole file with the matrix of its track replaced: `a`, `b`, `c` and `d` of ISO 14496-12.
std::string with_matrix(std::string clip, const std::vector<int>& matrix) {
  std::size_t at = clip.find("tkhd") + 4 + 40;
  for (int i = 0; i < 4; ++i) {
    const auto value = static_cast<std::uint32_t>(matrix[static_cast<std::size_t>(i)] * 0x10000);
    for (int byte = 0; byte < 4; ++byte)
      clip[at + static_cast<std::size_t>(i / 2 * 12 + i % 2 * 4 + byte)] =
          static_cast<char>(value >> (24 - 8 * byte));
  }
  return clip;
}

TEST_F(ClipReaders, TurnFramesAsTheRotationTagSays) {
  NEEDS("avenc_mpeg4", "qtmux");
  struct Turn {
    std::string name;
    std::vector<int> matrix;
    std::string wanted;
  };
  ASSERT_TRUE(
      encode(steady_frames(3), "framerate=25/1", "videoconvert ! avenc_mpeg4 ! qtmux" + sink("upright.mov")));
  for (const auto& [tag, matrix, wanted] : std::vector<Turn>{{"0", {1, 0, 0, 1}, "rgbw"},
                                                             {"90", {0, 1, -1, 0}, "brwg"},
                                                             {"180", {-1, 0, 0, -1}, "wbgr"},
                                                             {"270", {0, -1, 1, 0}, "gwrb"}}) {
    write(file("turned.mov"), with_matrix(content(file("upright.mov")), matrix));
    ClipReader clip(file("turned.mov"));
    const auto frame = clip.next();
    ASSERT_TRUE(frame);
    EXPECT_EQ(corners(frame->picture), wanted) << tag;
    EXPECT_EQ(frame->picture.size(), matrix[0] != 0 ? cv::Size(64, 48) : cv::Size(48, 64)) << tag;
  }
}

TEST_F(ClipReaders, StretchFramesToSquarePixels) {
  NEEDS("avenc_mpeg4", "mp4mux");
  for (const auto& [ratio, width] :
       std::vector<std::pair<std::string, int>>{{"16/15", 768}, {"64/45", 1024}, {"1/1", 720}}) {
    ASSERT_TRUE(encode(steady_frames(2, {720, 576}), "framerate=25/1,pixel-aspect-ratio=" + ratio,
                       "videoconvert ! avenc_mpeg4 ! mp4mux" + sink("pal.mp4")));
    const auto frame = ClipReader(file("pal.mp4")).next();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->picture.size(), cv::Size(width, 576)) << ratio;
    EXPECT_EQ(corners(frame->picture), "rgbw");
  }
}

TEST_F(ClipReaders, KeepTheTimesOfAVariableRate) {
  NEEDS("x264enc", "mp4mux");
  const std::vector<std::int64_t> times = {0, 33'000'000, 40'000'000, 250'000'000, 251'000'000, 900'000'000};
  std::vector<test::TimedFrame> frames;
  for (const auto time : times) frames.push_back({quarters(), time});
  // Frames out of order give the file an edit list.
  ASSERT_TRUE(
      encode(frames, "framerate=0/1", "videoconvert ! x264enc bframes=2 ! mp4mux" + sink("variable.mp4")));
  ClipReader clip(file("variable.mp4"));
  std::vector<std::int64_t> read;
  while (const auto frame = clip.next()) read.push_back(frame->timestamp);
  ASSERT_EQ(read.size(), times.size());
  for (std::size_t i = 0; i < times.size(); ++i) EXPECT_NEAR(read[i], times[i], 1e6) << i;
  EXPECT_EQ(clip.problems(), "");
}

TEST_F(ClipReaders, ChooseTheStreamThatMoves) {
  NEEDS("jpegenc", "avenc_mpeg4", "matroskamux", "videotestsrc");
  ASSERT_TRUE(
      encode(steady_frames(5), "framerate=25/1",
             "videoconvert ! avenc_mpeg4 ! queue ! mux.video_1 videotestsrc num-buffers=1 pattern=black ! "
             "video/x-raw,width=320,height=320 ! jpegenc ! queue ! mux.video_0 matroskamux name=mux" +
                 sink("cover.mkv")));
  ClipReader clip(file("cover.mkv"));
  int count = 0;
  while (const auto frame = clip.next()) {
    EXPECT_EQ(corners(frame->picture), "rgbw");
    ++count;
  }
  EXPECT_EQ(count, 5);
}

TEST_F(ClipReaders, KnowTheMatrixOfTheColors) {
  NEEDS("x264enc", "mp4mux");
  // BT.601 and BT.709 show the colors that went in.
  for (const std::string colors : {"2:4:5:4", "2:3:5:1"}) {
    ASSERT_TRUE(encode(steady_frames(2), "framerate=25/1",
                       "videoconvert ! video/x-raw,format=I420,colorimetry=" + colors +
                           " ! x264enc quantizer=10 pass=quant ! mp4mux" + sink("colors.mp4")));
    const auto frame = ClipReader(file("colors.mp4")).next();
    ASSERT_TRUE(frame);
    for (const auto& [y, x, color] :
         {std::tuple{12, 16, test::red}, {12, 48, test::green}, {36, 16, test::blue}})
      EXPECT_LE(cv::norm(frame->picture.at<cv::Vec3b>(y, x), color, cv::NORM_INF), 8) << colors;
  }
}

TEST_F(ClipReaders, ShowTransparencyOverBlack) {
  NEEDS("pngenc", "qtmux", "alpha");
  ASSERT_TRUE(encode(steady_frames(2), "framerate=25/1",
                     "videoconvert ! video/x-raw,format=ARGB ! alpha alpha=0.5 ! videoconvert ! "
                     "video/x-raw,format=RGBA ! pngenc snapshot=false ! qtmux" +
                         sink("clear.mov")));
  const auto frame = ClipReader(file("clear.mov")).next();
  ASSERT_TRUE(frame);
  EXPECT_LE(cv::norm(frame->picture.at<cv::Vec3b>(36, 48), cv::Vec3b(test::white) / 2, cv::NORM_INF), 6);
}

TEST_F(ClipReaders, FollowAChangeOfSize) {
  NEEDS("x264enc", "h264parse");
  const std::string encoder =
      "videoconvert ! video/x-raw,format=I420 ! x264enc ! video/x-h264,stream-format=byte-stream";
  ASSERT_TRUE(encode(steady_frames(4, {64, 48}), "framerate=25/1", encoder + sink("first.h264")));
  ASSERT_TRUE(encode(steady_frames(3, {96, 80}), "framerate=25/1", encoder + sink("second.h264")));
  write(file("both.h264"), content(file("first.h264")) + content(file("second.h264")));
  ClipReader clip(file("both.h264"));
  std::vector<cv::Size> sizes;
  while (const auto frame = clip.next()) {
    EXPECT_EQ(corners(frame->picture), "rgbw");
    sizes.push_back(frame->picture.size());
  }
  EXPECT_EQ(sizes,
            (std::vector<cv::Size>{{64, 48}, {64, 48}, {64, 48}, {64, 48}, {96, 80}, {96, 80}, {96, 80}}));
}

TEST_F(ClipReaders, PassOverABrokenPacketAndCountIt) {
  NEEDS("jpegenc", "avimux");
  auto clip = content(numbered_clip("whole.avi", 10));
  // The fourth frame, behind its chunk's name and length.
  std::size_t at = clip.find("movi");
  for (int i = 0; i < 4; ++i) at = clip.find("00db", at + 4);
  ASSERT_LT(at, clip.size());
  for (std::size_t i = at + 8; i < at + 8 + 400; ++i) clip[i] = 0;
  write(file("broken.avi"), clip);
  ClipReader reader(file("broken.avi"));
  std::vector<int> numbers;
  while (const auto frame = reader.next()) numbers.push_back(number_of(frame->picture));
  EXPECT_EQ(numbers, (std::vector<int>{0, 1, 2, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(reader.lost(), 1);
  EXPECT_NE(reader.problems().find("1 packet could not be decoded"), std::string::npos) << reader.problems();
}

TEST_F(ClipReaders, ReadAsFarAsACutClipGoes) {
  NEEDS("avenc_mpeg4", "matroskamux");
  const auto whole = content(numbered_clip("whole.mkv", 12));
  write(file("cut.mkv"), whole.substr(0, whole.size() * 2 / 3));
  ClipReader reader(file("cut.mkv"));
  int count = 0;
  while (const auto frame = reader.next()) EXPECT_EQ(number_of(frame->picture), count++);
  EXPECT_GT(count, 3);
  EXPECT_LT(count, 12);
}

TEST_F(ClipReaders, RefuseWhatIsNoClipByName) {
  const auto whole = content(numbered_clip("whole.mp4", 5));
  write(file("garbage.mp4"), "no clip at all");
  write(file("empty.mp4"), "");
  write(file("head.mp4"), whole.substr(0, 40));
  write(file("headless.mp4"), whole.substr(0, whole.find("moov") - 4));
  for (const std::string name : {"garbage.mp4", "empty.mp4", "head.mp4", "headless.mp4"})
    expect_error([&] { ClipReader(file(name)); }, ErrorCode::unreadable, {name});
  expect_error([&] { ClipReader(file("absent.mp4")); }, ErrorCode::not_found, {"absent.mp4"});
  expect_error([&] { ClipReader(folder_.path()); }, ErrorCode::unreadable, {folder_.path().string()});
}

TEST_F(ClipReaders, RefuseSoundAlone) {
  NEEDS("audiotestsrc", "wavenc");
  ASSERT_TRUE(encode(steady_frames(1), "framerate=25/1",
                     "fakesink audiotestsrc num-buffers=5 ! wavenc" + sink("sound.wav")));
  expect_error([&] { ClipReader(file("sound.wav")); }, ErrorCode::unreadable, {"sound.wav", "no video"});
}

TEST_F(ClipReaders, TakeAnyFileName) {
  NEEDS("avenc_mpeg4", "mp4mux");
  for (const std::string name : {"a:b.mp4", "%d.mp4", "%03d #1.mp4", "what?.mp4", "it's \"quoted\".mp4",
                                 "Grüße 你好.mp4", "file:x.mp4", "a!b&c;d.mp4", "-dash.mp4"}) {
    numbered_clip(name, 3);
    ClipReader reader(file(name));
    int count = 0;
    while (const auto frame = reader.next()) EXPECT_EQ(number_of(frame->picture), count++);
    EXPECT_EQ(count, 3) << name;
  }
}

TEST_F(ClipReaders, GiveTheFramesOfFFmpeg) {
  NEEDS("avenc_mpeg4", "mp4mux");
  std::vector<test::TimedFrame> frames;
  for (int i = 0; i < 8; ++i) {
    cv::Mat noise(96, 128, CV_8UC3);
    cv::randu(noise, 0, 256);
    cv::GaussianBlur(noise, noise, {}, 6);
    frames.push_back({noise * 2, i * 40'000'000LL});
  }
  ClipWriter writer(file("clip.mp4"), 25);
  for (const auto& frame : frames) writer.add(frame.rgb, frame.timestamp);
  writer.finish();
  cv::VideoCapture capture(file("clip.mp4"), cv::CAP_FFMPEG);
  ClipReader reader(file("clip.mp4"));
  for (const auto& frame : frames) {
    cv::Mat bgr, rgb;
    ASSERT_TRUE(capture.read(bgr));
    cv::cvtColor(bgr, rgb, cv::COLOR_BGR2RGB);
    const auto read = reader.next();
    ASSERT_TRUE(read);
    EXPECT_GT(cv::PSNR(read->picture, rgb), 38);
    EXPECT_GT(cv::PSNR(read->picture, frame.rgb), 30);
  }
  EXPECT_FALSE(reader.next());
}

TEST_F(ClipReaders, ReadGreyAndSkip) {
  NEEDS("avenc_mpeg4", "mp4mux");
  ClipReader reader(numbered_clip("clip.mp4", 10), ClipColors::grey, 1);
  EXPECT_TRUE(reader.skip());
  const auto frame = reader.next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->picture.type(), CV_8UC1);
  EXPECT_NEAR(cv::mean(frame->picture)[0], 20, 2);
  EXPECT_EQ(frame->timestamp, 40'000'000);
  for (int i = 2; i < 10; ++i) EXPECT_TRUE(reader.skip());
  EXPECT_FALSE(reader.skip());
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.count(), 10);
  EXPECT_NEAR(reader.frame_rate(), 25, 1e-3);
}

}  // namespace
}  // namespace reenact
