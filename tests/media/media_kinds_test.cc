// SPDX-License-Identifier: LGPL-2.1-or-later
// Kinds of clips that people have, each made here: what ClipReader, the elements and FFmpeg see of them is the same.
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <opencv2/imgproc.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "elements.h"
#include "encode.h"
#include "ffmpeg_frames.h"
#include "media/clip_reader.h"
#include "media/owned.h"
#include "stream/video_frame.h"
#include "support/temporary_folder.h"

namespace reenact {
namespace {

using test::encode;
using test::TimedFrame;

#define NEEDS(...) \
  if (!test::have_elements({__VA_ARGS__})) GTEST_SKIP() << "an element is not installed"

/// The quarters with a grey square in the middle whose level tells the frame's number.
cv::Mat numbered(int number, cv::Size size) {
  cv::Mat rgb = test::quarters(size);
  const cv::Rect middle(size.width * 3 / 8, size.height * 3 / 8, size.width / 4, size.height / 4);
  rgb(middle) = cv::Scalar::all(40 + 18 * number);
  return rgb;
}

std::vector<TimedFrame> numbered_frames(const std::vector<std::int64_t>& times, cv::Size size = {128, 96}) {
  std::vector<TimedFrame> frames;
  for (std::size_t i = 0; i < times.size(); ++i)
    frames.push_back({numbered(static_cast<int>(i), size), times[i]});
  return frames;
}

std::vector<std::int64_t> steady_times(int count, double rate = 25) {
  std::vector<std::int64_t> times;
  for (int i = 0; i < count; ++i) times.push_back(std::llround(i * 1e9 / rate));
  return times;
}

struct Seen {
  std::vector<cv::Mat> pictures;
  std::vector<std::int64_t> times;
};

Seen by_reader(const std::string& path) {
  Seen seen;
  ClipReader reader(path);
  while (const auto frame = reader.next()) {
    seen.pictures.push_back(frame->picture);
    seen.times.push_back(frame->timestamp);
  }
  return seen;
}

Seen by_ffmpeg(const std::string& path) {
  Seen seen;
  for (const auto& frame : test::ffmpeg_frames(path)) {
    seen.pictures.push_back(frame.rgb);
    seen.times.push_back(frame.timestamp);
  }
  return seen;
}

/// As reenactbin turns frames upright and reenactcrop reads them, behind reenactdecodebin.
Seen by_elements(const std::string& path) {
  Seen seen;
  GError* problem = nullptr;
  GstElement* bin = gst_parse_launch(
      ("filesrc location=\"" + path +
       "\" ! reenactdecodebin ! videoflip video-direction=auto ! appsink name=out sync=false")
          .c_str(),
      &problem);
  EXPECT_EQ(problem, nullptr);
  g_clear_error(&problem);
  const Owned<GstElement> pipeline(GST_ELEMENT(gst_object_ref_sink(bin)));
  const Owned<GstElement> sink(gst_bin_get_by_name(GST_BIN(bin), "out"));
  gst_element_set_state(bin, GST_STATE_PLAYING);
  RgbReader rgb;
  GstClockTime first = GST_CLOCK_TIME_NONE;
  while (const Owned<GstSample> sample{gst_app_sink_pull_sample(GST_APP_SINK(sink.get()))}) {
    GstVideoInfo info;
    if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample.get()))) break;
    const double aspect = static_cast<double>(GST_VIDEO_INFO_PAR_N(&info)) / GST_VIDEO_INFO_PAR_D(&info);
    if (!rgb.reads(info))
      rgb.configure(info, static_cast<int>(std::lround(info.width * aspect)), info.height);
    GstBuffer* buffer = gst_sample_get_buffer(sample.get());
    const GstClockTime time = gst_segment_to_running_time(gst_sample_get_segment(sample.get()),
                                                          GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    if (first == GST_CLOCK_TIME_NONE) first = time;
    seen.pictures.push_back(rgb.read(buffer).mat().clone());
    seen.times.push_back(static_cast<std::int64_t>(time) - static_cast<std::int64_t>(first));
  }
  gst_element_set_state(bin, GST_STATE_NULL);
  return seen;
}

/// The same pictures at the same times, but for the rounding of containers and codecs.
void expect_alike(const Seen& a, const Seen& b, const std::string& what) {
  // GStreamer's quick conversion of limited range to RGB rounds down, by up to four levels.
  constexpr double least_psnr = 30, most_darker = 4, longest_difference = 1e6;
  ASSERT_EQ(a.pictures.size(), b.pictures.size()) << what;
  for (std::size_t i = 0; i < a.pictures.size(); ++i) {
    ASSERT_EQ(a.pictures[i].size(), b.pictures[i].size()) << what << ", frame " << i;
    EXPECT_GT(cv::PSNR(a.pictures[i], b.pictures[i]), least_psnr) << what << ", frame " << i;
    EXPECT_NEAR(cv::mean(a.pictures[i])[1], cv::mean(b.pictures[i])[1], most_darker)
        << what << ", frame " << i;
    EXPECT_NEAR(a.times[i], b.times[i], longest_difference) << what << ", frame " << i;
  }
}

void expect_what_went_in(const Seen& seen, const std::vector<TimedFrame>& frames, const std::string& what) {
  ASSERT_EQ(seen.pictures.size(), frames.size()) << what;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(test::corners(seen.pictures[i]), "rgbw") << what;
    const cv::Size size = seen.pictures[i].size();
    const cv::Rect middle(size.width * 7 / 16, size.height * 7 / 16, size.width / 8, size.height / 8);
    EXPECT_NEAR(cv::mean(seen.pictures[i](middle))[1], 40 + 18 * static_cast<int>(i), 6) << what << " " << i;
    EXPECT_NEAR(seen.times[i], frames[i].timestamp - frames[0].timestamp, 1e6) << what << " " << i;
  }
}

double linear_of_srgb(double level) {
  const double signal = level / 255;
  return signal <= 0.04045 ? signal / 12.92 : std::pow((signal + 0.055) / 1.055, 2.4);
}

/// BT.2100's signal, 0 to 1, for light of three channels in cd/m2 on a display whose peak is 1000.
cv::Vec3d hlg_signal(const cv::Vec3d& light) {
  constexpr double peak = 1000, gamma = 1.2, a = 0.17883277, b = 0.28466892, c = 0.55991073;
  const double luminance = (0.2627 * light[0] + 0.6780 * light[1] + 0.0593 * light[2]) / peak;
  cv::Vec3d signal;
  for (int i = 0; i < 3; ++i) {
    const double scene = luminance > 0 ? light[i] / peak * std::pow(luminance, (1 - gamma) / gamma) : 0;
    signal[i] = scene <= 1.0 / 12 ? std::sqrt(3 * scene) : a * std::log(12 * scene - b) + c;
  }
  return signal;
}

cv::Vec3d pq_signal(const cv::Vec3d& light) {
  constexpr double m1 = 0.1593017578125, m2 = 78.84375, c1 = 0.8359375, c2 = 18.8515625, c3 = 18.6875;
  cv::Vec3d signal;
  for (int i = 0; i < 3; ++i) {
    const double power = std::pow(light[i] / 10000, m1);
    signal[i] = std::pow((c1 + c2 * power) / (1 + c3 * power), m2);
  }
  return signal;
}

/// sRGB as BT.2408 puts it into HDR: white is 203 cd/m2, times `brightness`.
cv::Mat in_hdr(const cv::Mat& rgb, bool hlg, double brightness = 1) {
  const cv::Matx33d to_2020(0.6274, 0.3293, 0.0433, 0.0691, 0.9195, 0.0114, 0.0164, 0.0880, 0.8956);
  cv::Mat hdr(rgb.size(), CV_8UC3);
  for (int y = 0; y < rgb.rows; ++y)
    for (int x = 0; x < rgb.cols; ++x) {
      const auto level = rgb.at<cv::Vec3b>(y, x);
      const cv::Vec3d light =
          to_2020 * cv::Vec3d(linear_of_srgb(level[0]), linear_of_srgb(level[1]), linear_of_srgb(level[2])) *
          203 * brightness;
      const cv::Vec3d signal = hlg ? hlg_signal(light) : pq_signal(light);
      for (int c = 0; c < 3; ++c)
        hdr.at<cv::Vec3b>(y, x)[c] = cv::saturate_cast<unsigned char>(255 * signal[c]);
    }
  return hdr;
}

class MediaKinds : public ::testing::Test {
 protected:
  MediaKinds() {
    gst_init(nullptr, nullptr);
    GST_ELEMENT_REGISTER(reenactdecodebin, nullptr);
  }

  std::string file(const std::string& name) { return (folder_ / name).string(); }
  std::string sink(const std::string& name) { return " ! filesink location=\"" + file(name) + "\""; }
  static std::string content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  test::TemporaryFolder folder_;
};

TEST_F(MediaKinds, ColorsOfBothRangesAndAllMatricesLookAlike) {
  NEEDS("x264enc", "mp4mux", "matroskamux");
  const auto frames = numbered_frames(steady_times(5));
  for (const std::string range : {"2", "1"})                         // limited, full
    for (const std::string colors : {":4:5:4", ":3:5:1", ":6:5:7"})  // BT.601, BT.709, BT.2020
      for (const std::string container : {"mp4mux", "matroskamux"}) {
        const std::string name = container == "mp4mux" ? "colors.mp4" : "colors.mkv",
                          what = range + colors + " in " + name;
        ASSERT_TRUE(encode(frames, "framerate=25/1",
                           "videoconvert ! video/x-raw,format=I420,colorimetry=" + range + colors +
                               " ! x264enc quantizer=8 pass=quant ! " + container + sink(name)));
        const auto read = by_reader(file(name));
        expect_what_went_in(read, frames, what);
        expect_alike(read, by_ffmpeg(file(name)), what + ", FFmpeg");
        expect_alike(read, by_elements(file(name)), what + ", elements");
      }
}

TEST_F(MediaKinds, ColorsThatOnlyTheContainerTellsAreHeard) {
  NEEDS("avenc_mpeg4", "mp4mux");
  // MPEG-4 part 2 of this encoder says nothing of its colors.
  const auto frames = numbered_frames(steady_times(3));
  ASSERT_TRUE(encode(frames, "framerate=25/1",
                     "videoconvert ! video/x-raw,format=I420,colorimetry=2:3:5:1 ! avenc_mpeg4 "
                     "pass=quant quantizer=2 ! mp4mux" +
                         sink("container.mp4")));
  const auto read = by_reader(file("container.mp4"));
  ASSERT_FALSE(read.pictures.empty());
  for (const auto& [y, x, color] :
       {std::tuple{24, 32, test::red}, {24, 96, test::green}, {72, 32, test::blue}})
    EXPECT_LE(cv::norm(read.pictures[0].at<cv::Vec3b>(y, x), color, cv::NORM_INF), 8);
}

TEST_F(MediaKinds, TurnedAndStretchedClipsLookAlike) {
  NEEDS("x264enc", "qtmux", "taginject");
  const auto frames = numbered_frames(steady_times(4));
  for (const std::string tag : {"rotate-0", "rotate-90", "rotate-180", "rotate-270"})
    for (const std::string ratio : {"1/1", "16/15", "4/3"}) {
      ASSERT_TRUE(
          encode(frames, "framerate=25/1,pixel-aspect-ratio=" + ratio,
                 "videoconvert ! video/x-raw,format=I420 ! x264enc quantizer=8 pass=quant ! taginject "
                 "tags=image-orientation=" +
                     tag + " ! qtmux" + sink("turned.mov")));
      const auto read = by_reader(file("turned.mov"));
      const std::string what = tag + " " + ratio;
      expect_alike(read, by_ffmpeg(file("turned.mov")), what + ", FFmpeg");
      expect_alike(read, by_elements(file("turned.mov")), what + ", elements");
    }
}

TEST_F(MediaKinds, VariableRatesEditListsAndOddRatesKeepTheirTimes) {
  NEEDS("x264enc", "mp4mux", "matroskamux");
  const std::vector<std::int64_t> variable = {0,           33'000'000,  40'000'000,
                                              250'000'000, 251'000'000, 900'000'000};
  struct Clip {
    std::string rate;
    std::vector<std::int64_t> times;
  };
  for (const auto& [rate, times] : {Clip{"0/1", variable}, Clip{"66667/1000", steady_times(8, 66.667)},
                                    Clip{"211222/1000", steady_times(8, 211.222)},
                                    Clip{"1/1", steady_times(4, 1)}, Clip{"1000/1", steady_times(10, 1000)}})
    for (const std::string name : {"times.mp4", "times.mkv"}) {
      const auto frames = numbered_frames(times);
      // Frames out of order give an MP4 an edit list.
      ASSERT_TRUE(
          encode(frames, "framerate=" + rate,
                 "videoconvert ! video/x-raw,format=I420 ! x264enc bframes=2 quantizer=8 pass=quant ! " +
                     std::string(name == "times.mp4" ? "mp4mux" : "matroskamux") + sink(name)));
      const auto read = by_reader(file(name));
      const std::string what = name + " at " + rate;
      expect_what_went_in(read, frames, what);
      expect_alike(read, by_ffmpeg(file(name)), what + ", FFmpeg");
      expect_alike(read, by_elements(file(name)), what + ", elements");
    }
}

TEST_F(MediaKinds, ACoverIsNotTheClip) {
  NEEDS("jpegenc", "x264enc", "matroskamux", "videotestsrc");
  const auto frames = numbered_frames(steady_times(5));
  ASSERT_TRUE(
      encode(frames, "framerate=25/1",
             "videoconvert ! video/x-raw,format=I420 ! x264enc quantizer=8 pass=quant ! queue ! mux.video_1 "
             "videotestsrc num-buffers=1 pattern=black ! video/x-raw,width=128,height=96 ! jpegenc ! queue ! "
             "mux.video_0 matroskamux name=mux" +
                 sink("cover.mkv")));
  const auto read = by_reader(file("cover.mkv"));
  expect_what_went_in(read, frames, "cover");
  const auto judge = by_ffmpeg(file("cover.mkv"));
  if (judge.pictures.size() == frames.size()) expect_alike(read, judge, "cover, FFmpeg");
  expect_alike(read, by_elements(file("cover.mkv")), "cover, elements");
}

TEST_F(MediaKinds, TheDecodingElementPlaysAgainAndRefusesSoundAloneInASentence) {
  NEEDS("jpegenc", "x264enc", "matroskamux", "videotestsrc", "audiotestsrc", "vorbisenc");
  ASSERT_TRUE(encode(numbered_frames(steady_times(3)), "framerate=25/1",
                     "videoconvert ! video/x-raw,format=I420 ! x264enc ! queue ! mux.video_1 videotestsrc "
                     "num-buffers=1 ! jpegenc ! queue ! mux.video_0 audiotestsrc num-buffers=5 ! vorbisenc ! "
                     "queue ! mux. matroskamux name=mux" +
                         sink("all.mkv")));
  const auto ended_by = [](GstElement* pipeline) {
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    const Owned<GstBus> bus(gst_element_get_bus(pipeline));
    Owned<GstMessage> message(gst_bus_timed_pop_filtered(
        bus.get(), 10 * GST_SECOND, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    gst_element_set_state(pipeline, GST_STATE_NULL);
    return message;
  };
  const Owned<GstElement> pipeline(GST_ELEMENT(gst_object_ref_sink(gst_parse_launch(
      ("filesrc name=in location=\"" + file("all.mkv") + "\" ! reenactdecodebin name=bin ! fakesink").c_str(),
      nullptr))));
  const Owned<GstElement> in(gst_bin_get_by_name(GST_BIN(pipeline.get()), "in")),
      bin(gst_bin_get_by_name(GST_BIN(pipeline.get()), "bin"));
  for (int time = 0; time < 2; ++time) {
    const auto message = ended_by(pipeline.get());
    ASSERT_TRUE(message);
    EXPECT_EQ(GST_MESSAGE_TYPE(message.get()), GST_MESSAGE_EOS);
    EXPECT_EQ(GST_BIN_NUMCHILDREN(bin.get()), 1) << "what took the cover is left";
  }
  const Owned<GstElement> sound(GST_ELEMENT(gst_object_ref_sink(gst_parse_launch(
      ("audiotestsrc num-buffers=5 ! vorbisenc ! matroskamux" + sink("sound.mkv")).c_str(), nullptr))));
  ended_by(sound.get());
  g_object_set(in.get(), "location", file("sound.mkv").c_str(), nullptr);
  const auto message = ended_by(pipeline.get());
  ASSERT_TRUE(message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR);
  GError* error = nullptr;
  gst_message_parse_error(message.get(), &error, nullptr);
  EXPECT_STREQ(error->message, "The stream holds no video.");
  g_error_free(error);
}

TEST_F(MediaKinds, AChangeOfSizeAndACutTailLookAlike) {
  NEEDS("x264enc", "h264parse", "matroskamux");
  const std::string encoder = "videoconvert ! video/x-raw,format=I420 ! x264enc quantizer=8 pass=quant";
  const std::string stream = encoder + " ! video/x-h264,stream-format=byte-stream";
  ASSERT_TRUE(encode(numbered_frames(steady_times(4)), "framerate=25/1", stream + sink("first.h264")));
  ASSERT_TRUE(
      encode(numbered_frames(steady_times(3), {192, 160}), "framerate=25/1", stream + sink("second.h264")));
  std::ofstream(file("both.h264"), std::ios::binary)
      << content(file("first.h264")) << content(file("second.h264"));
  const auto read = by_reader(file("both.h264"));
  ASSERT_EQ(read.pictures.size(), 7u);
  EXPECT_EQ(read.pictures.back().size(), cv::Size(192, 160));
  auto judge = by_ffmpeg(file("both.h264"));
  judge.times = read.times;  // such streams have none
  expect_alike(read, judge, "change of size, FFmpeg");

  ASSERT_TRUE(encode(numbered_frames(steady_times(12)), "framerate=25/1",
                     encoder + " key-int-max=1 ! matroskamux" + sink("whole.mkv")));
  const auto whole = content(file("whole.mkv"));
  std::ofstream(file("cut.mkv"), std::ios::binary) << whole.substr(0, whole.size() * 2 / 3);
  const auto cut = by_reader(file("cut.mkv"));
  EXPECT_GT(cut.pictures.size(), 3u);
  EXPECT_LT(cut.pictures.size(), 12u);
  expect_alike(cut, by_ffmpeg(file("cut.mkv")), "cut tail, FFmpeg");
}

TEST_F(MediaKinds, HdrShowsTheColorsThatWentIn) {
  NEEDS("x264enc", "mp4mux", "matroskamux");
  const auto frames = numbered_frames(steady_times(6));
  for (const bool hlg : {true, false})
    for (const std::string name : {"hdr.mp4", "hdr.mkv"}) {
      auto hdr = frames;
      for (auto& frame : hdr) frame.rgb = in_hdr(frame.rgb, hlg);
      const std::string colors = hlg ? "bt2100-hlg" : "bt2100-pq", what = colors + " in " + name;
      ASSERT_TRUE(encode(hdr, "framerate=25/1",
                         "videoconvert ! video/x-raw,format=I420_10LE,colorimetry=" + colors +
                             " ! x264enc quantizer=6 pass=quant ! " +
                             (name == "hdr.mp4" ? "mp4mux" : "matroskamux") + sink(name)));
      const auto read = by_reader(file(name));
      expect_what_went_in(read, frames, what);
      expect_alike(read, by_elements(file(name)), what + ", elements");
    }
}

TEST_F(MediaKinds, WhatIsBrighterThanWhiteInHdrKeepsItsHueAndItsOrder) {
  NEEDS("x264enc", "matroskamux");
  for (const bool hlg : {true, false}) {
    std::vector<TimedFrame> frames;
    const std::vector<double> brightness = {0.5, 1, 2, 4};  // times white; HLG's peak is at 4.9
    for (std::size_t i = 0; i < brightness.size(); ++i)
      frames.push_back(
          {in_hdr(test::quarters({128, 96}), hlg, brightness[i]), static_cast<std::int64_t>(i) * 40'000'000});
    ASSERT_TRUE(encode(frames, "framerate=25/1",
                       std::string("videoconvert ! video/x-raw,format=I420_10LE,colorimetry=") +
                           (hlg ? "bt2100-hlg" : "bt2100-pq") +
                           " ! x264enc quantizer=6 pass=quant ! matroskamux" + sink("bright.mkv")));
    const auto read = by_reader(file("bright.mkv"));
    ASSERT_EQ(read.pictures.size(), brightness.size());
    int white_before = 0;
    for (const auto& picture : read.pictures) {
      const auto white = picture.at<cv::Vec3b>(72, 96), red = picture.at<cv::Vec3b>(24, 32);
      EXPECT_GE(white[1], white_before) << "brighter light is no darker";
      white_before = white[1];
      EXPECT_LE(std::abs(white[0] - white[2]), 10) << "white stays white";
      EXPECT_GT(red[0], 3 * std::max(red[1], red[2])) << "red stays red";
    }
    EXPECT_GT(white_before, 240);
  }
}

TEST_F(MediaKinds, OfPalDvOneFieldIsSeenInItsShapeColorsAndTimes) {
  NEEDS("avenc_dvvideo", "avmux_dv", "deinterlace");
  // A bar that stands elsewhere in each of the two fields of a frame; the lower field comes first.
  constexpr int count = 6, step = 40, bar = 20;
  const auto place = [](int moment) { return 60 + step * moment; };
  std::vector<TimedFrame> frames;
  for (int i = 0; i < count; ++i) {
    cv::Mat rgb(576, 720, CV_8UC3, cv::Scalar(60, 120, 60));
    for (int y = 0; y < rgb.rows; ++y) {
      const int moment = 2 * i + (y % 2 == 1 ? 0 : 1);
      rgb.row(y).colRange(place(moment), place(moment) + bar) = cv::Scalar(220, 40, 40);
    }
    frames.push_back({rgb, i * std::int64_t{40'000'000}});
  }
  ASSERT_TRUE(encode(frames,
                     "framerate=25/1,pixel-aspect-ratio=16/15,interlace-mode=interleaved,"
                     "field-order=bottom-field-first",
                     "videoconvert ! video/x-raw,format=I420 ! avenc_dvvideo ! avmux_dv" + sink("pal.dv")));
  const auto read = by_reader(file("pal.dv")), judge = by_ffmpeg(file("pal.dv"));
  ASSERT_EQ(read.pictures.size(), judge.pictures.size());
  ASSERT_EQ(read.pictures.size(), static_cast<std::size_t>(count));
  const auto level = [](const cv::Mat& picture, int moment, int channel) {
    const double stretch = picture.cols / 720.0;
    const int from = cvRound((60 + step * moment + 4) * stretch),
              to = cvRound((60 + step * moment + 16) * stretch);
    return cv::mean(picture.rowRange(100, 476).colRange(from, to))[channel];
  };
  for (int i = 0; i < count; ++i) {
    const cv::Mat &picture = read.pictures[static_cast<std::size_t>(i)],
                  &woven = judge.pictures[static_cast<std::size_t>(i)];
    EXPECT_EQ(picture.size(), cv::Size(768, 576));
    EXPECT_EQ(woven.size(), cv::Size(768, 576));
    EXPECT_NEAR(read.times[static_cast<std::size_t>(i)], i * 40'000'000, 1e6);
    EXPECT_NEAR(level(picture, 2 * i, 1), 40, 20) << "the first field's bar, frame " << i;
    EXPECT_NEAR(level(picture, 2 * i + 1, 1), 120, 20) << "not the second field's bar, frame " << i;
    EXPECT_NEAR(level(woven, 2 * i, 1), 80, 20) << "both fields stand in the file, frame " << i;
    EXPECT_NEAR(level(woven, 2 * i + 1, 1), 80, 20) << "both fields stand in the file, frame " << i;
    // Away from the bars nothing moves.
    const cv::Rect still(680, 100, 60, 300);
    EXPECT_LT(cv::norm(cv::mean(picture(still)) - cv::mean(woven(still))), 7) << i;
  }
}

}  // namespace
}  // namespace reenact
