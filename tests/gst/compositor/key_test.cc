// SPDX-License-Identifier: LGPL-2.1-or-later
// Key and fill: two pads of reenactcompositor whose pictures, put together, are the picture it composites itself.
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "head_frames.h"

namespace reenact {
namespace {

const cv::Vec3b head_color(200, 90, 40);

class KeyTest : public HeadFramesTest {
 protected:
  /// The key of one head that is drawn alone with these properties.
  cv::Mat key_of(const cv::Mat& rgba, const std::string& properties) {
    start("background=transparent " + properties, "video/x-raw, format=RGB", "video/x-raw, format=GRAY8");
    gst_harness_push(fill_.get(), head(0, rgba));
    const cv::Mat key = gray_key();
    key_.reset();
    fill_.reset();
    return key;
  }
  /// appsrc "in", reenactbin "r" and appsink "fill", and `rest` beside them.
  static Owned<GstElement> pipeline_of_bin(const std::string& rest = "") {
    const std::string text =
        "appsrc name=in format=time caps=\"" + rgb_caps(160, 120) +
        "\" ! reenactbin name=r identity-file=red.safetensors device=cuda background=transparent ! "
        "video/x-raw,format=RGB ! queue ! appsink name=fill sync=false wait-on-eos=false " +
        rest;
    return Owned<GstElement>(gst_parse_launch(text.c_str(), nullptr));
  }
  static void push_scenes(GstElement* in, int count) {
    for (int i = 0; i < count; ++i)
      gst_app_src_push_buffer(GST_APP_SRC(in), new_frame(scene(160, 120, cv::Rect(60, 40, 30, 36)), i));
  }
  /// soft_head() in haze: alpha is `least` or more everywhere.
  static cv::Mat hazy_head(uchar least) {
    cv::Mat rgba = soft_head(head_color);
    for (int y = 0; y < head_size; ++y) {
      for (int x = 0; x < head_size; ++x)
        rgba.at<cv::Vec4b>(y, x)[3] = std::max(rgba.at<cv::Vec4b>(y, x)[3], least);
    }
    return rgba;
  }
  /// One frame of key as CV_8UC1.
  cv::Mat gray_key() {
    const Owned<GstBuffer> buffer = pull(key_);
    GstVideoInfo info;
    GstVideoFrame frame;
    gst_video_info_from_caps(&info, caps_of(key_).get());
    if (!gst_video_frame_map(&frame, &info, buffer.get(), GST_MAP_READ)) return {};
    cv::Mat copy = cv::Mat(GST_VIDEO_INFO_HEIGHT(&info), GST_VIDEO_INFO_WIDTH(&info), CV_8UC1,
                           GST_VIDEO_FRAME_PLANE_DATA(&frame, 0), GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0))
                       .clone();
    gst_video_frame_unmap(&frame);
    return copy;
  }
};

TEST_F(KeyTest, IsTheMaskOfTheHeadAtTheTimesOfTheFill) {
  start("background=transparent", "video/x-raw, format=RGB", "video/x-raw, format=GRAY8");
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(gst_harness_push(fill_.get(), head(i, soft_head(head_color))), GST_FLOW_OK);
    const Owned<GstBuffer> fill = pull(fill_), key = pull(key_);
    EXPECT_EQ(GST_BUFFER_PTS(key.get()), frame_duration * GstClockTime(i));
    EXPECT_EQ(GST_BUFFER_PTS(key.get()), GST_BUFFER_PTS(fill.get()));
    EXPECT_EQ(GST_BUFFER_DURATION(key.get()), GST_BUFFER_DURATION(fill.get()));
  }
  gst_harness_push(fill_.get(), head(3, soft_head(head_color)));
  const cv::Mat key = gray_key();
  ASSERT_EQ(key.size(), cv::Size(width, height));
  EXPECT_EQ(key.at<uchar>(60, 80), 255);
  EXPECT_EQ(key.at<uchar>(2, 2), 0);
  EXPECT_EQ(key.at<uchar>(60, 46), 0);
  // Twice as large as it was drawn: an edge that falls over 6 pixels falls over 12.
  EXPECT_NEAR(key.at<uchar>(60, 80 + 22), 128, 24);
}

TEST_F(KeyTest, HasTheFillsSizeRateAndPixelShapeInItsCaps) {
  start("background=transparent", "video/x-raw, format=RGB", "video/x-raw, format=GRAY8");
  const std::string driver =
      "video/x-raw, format=RGB, width=160, height=120, framerate=25/1, pixel-aspect-ratio=16/11";
  gst_harness_push(fill_.get(), head(0, soft_head(head_color), new_frame(scene(width, height), 0), driver));
  ASSERT_TRUE(pull(fill_));
  ASSERT_TRUE(pull(key_));
  GstVideoInfo fill, key;
  gst_video_info_from_caps(&fill, caps_of(fill_).get());
  gst_video_info_from_caps(&key, caps_of(key_).get());
  EXPECT_EQ(GST_VIDEO_INFO_WIDTH(&key), GST_VIDEO_INFO_WIDTH(&fill));
  EXPECT_EQ(GST_VIDEO_INFO_HEIGHT(&key), GST_VIDEO_INFO_HEIGHT(&fill));
  EXPECT_EQ(GST_VIDEO_INFO_FPS_N(&key), 25);
  EXPECT_EQ(GST_VIDEO_INFO_PAR_N(&key), 16);
  EXPECT_EQ(GST_VIDEO_INFO_PAR_D(&key), 11);
}

/// Alpha as luma, in the range of the format.
class KeyFormatTest : public KeyTest, public testing::WithParamInterface<const char*> {};

TEST_P(KeyFormatTest, HoldsAlphaAsLumaAndNoColor) {
  start("background=transparent key-clip=0", "video/x-raw, format=RGB",
        std::string("video/x-raw, format=") + GetParam());
  cv::Mat rgba(head_size, head_size, CV_8UC4, cv::Scalar(200, 90, 40, 100));
  gst_harness_push(fill_.get(), head(0, rgba));
  const Owned<GstBuffer> key = pull(key_);
  ASSERT_TRUE(key);
  const Owned<GstCaps> caps = caps_of(key_);
  GstVideoInfo info;
  gst_video_info_from_caps(&info, caps.get());
  const cv::Mat pixels = components_of(key.get(), caps.get());
  const bool full = info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255;
  const auto luma = [&](double alpha) { return full ? 255 * alpha : 16 + 219 * alpha; };
  const double step = 256.0 * (GST_VIDEO_INFO_COMP_DEPTH(&info, 0) > 8 ? 0.5 : 1);
  EXPECT_NEAR(pixels.at<cv::Vec4w>(60, 80)[1], 256 * luma(100 / 255.0), step + 130);
  EXPECT_NEAR(pixels.at<cv::Vec4w>(4, 4)[1], 256 * luma(0), step);
  for (const cv::Point at : {cv::Point(80, 60), cv::Point(4, 4)})
    for (const int c : {2, 3}) EXPECT_NEAR(pixels.at<cv::Vec4w>(at)[c], 32768, 256) << at;
}

INSTANTIATE_TEST_SUITE_P(Formats, KeyFormatTest,
                         testing::Values("GRAY8", "GRAY16_LE", "I420", "NV12", "UYVY", "Y444", "v210",
                                         "P010_10LE", "I422_10LE", "AYUV"));

struct FillCase {
  const char* format;
  bool premultiplied;
};
class FillTest : public KeyTest, public testing::WithParamInterface<FillCase> {};

TEST_P(FillTest, TimesTheKeyOverGreenIsTheCompositedPicture) {
  const std::string caps = std::string("video/x-raw, format=") + GetParam().format;
  const cv::Mat rgba = soft_head(head_color);
  const std::string mode = GetParam().premultiplied ? " alpha-mode=premultiplied" : "";
  start("background=transparent" + mode, caps, "video/x-raw, format=GRAY8");
  gst_harness_push(fill_.get(), head(0, rgba));
  const Owned<GstBuffer> fill_buffer = pull(fill_);
  const cv::Mat fill = components_of(fill_buffer.get(), caps_of(fill_).get()), key = gray_key();
  key_.reset();
  fill_.reset();

  start("background=color background-color=0xff00ff00", caps);
  gst_harness_push(fill_.get(), head(0, rgba));
  const Owned<GstBuffer> whole_buffer = pull(fill_);
  const cv::Mat whole = components_of(whole_buffer.get(), caps_of(fill_).get());
  ASSERT_EQ(whole.size(), key.size());
  const auto green = whole.at<cv::Vec4w>(0, 0);
  GstVideoInfo info;
  gst_video_info_from_caps(&info, caps_of(fill_).get());
  // Where a premultiplied fill fades to.
  const double black = GST_VIDEO_INFO_IS_YUV(&info) ? 16 * 256 : 0,
               gray = GST_VIDEO_INFO_IS_YUV(&info) ? 32768 : 0;
  double worst = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double alpha = key.at<uchar>(y, x) / 255.0;
      for (int c = 1; c < 4; ++c) {
        const double floor = c == 1 || !GST_VIDEO_INFO_IS_YUV(&info) ? black : gray;
        const double color = fill.at<cv::Vec4w>(y, x)[c];
        const double shown = GetParam().premultiplied ? color - (1 - alpha) * floor : alpha * color;
        worst =
            std::max(worst, std::abs(shown + (1 - alpha) * green[c] - whole.at<cv::Vec4w>(y, x)[c]) / 256);
      }
    }
  }
  EXPECT_LE(worst, GetParam().premultiplied ? 1.5 : 1.0);
  EXPECT_GT(cv::countNonZero((key > 20) & (key < 235)), 100) << "the edge is soft";
}

INSTANTIATE_TEST_SUITE_P(Formats, FillTest,
                         testing::Values(FillCase{"RGB", false}, FillCase{"RGBA", false},
                                         FillCase{"Y444", false}, FillCase{"AYUV64", false},
                                         FillCase{"RGB", true}, FillCase{"RGBA", true},
                                         FillCase{"Y444", true}));

TEST_F(KeyTest, IsEmptyWhereThereIsNoHead) {
  start("background=color", "video/x-raw, format=RGB", "video/x-raw, format=GRAY8");
  gst_harness_push(fill_.get(), head(0, soft_head(head_color), face_missing));
  ASSERT_TRUE(pull(fill_));
  EXPECT_EQ(cv::countNonZero(gray_key()), 0);
  g_object_set(element_.get(), "opacity", 0.0, nullptr);
  gst_harness_push(fill_.get(), head(1, soft_head(head_color)));
  ASSERT_TRUE(pull(fill_));
  EXPECT_EQ(cv::countNonZero(gray_key()), 0);
}

TEST_F(KeyTest, ClipTakesHazeAndGainHardensTheEdge) {
  const cv::Mat rgba = hazy_head(6);
  const auto key_with = [&](const std::string& properties) {
    return key_of(rgba, "mask-reach=0 " + properties);
  };
  const cv::Mat plain = key_with("key-clip=0"), clipped = key_with("key-clip=0.04"),
                hard = key_with("key-clip=0.04 key-gain=4");
  EXPECT_EQ(plain.at<uchar>(30, 50), 6);
  EXPECT_EQ(clipped.at<uchar>(30, 50), 0);
  EXPECT_EQ(clipped.at<uchar>(60, 80), 255);
  const auto soft = [](const cv::Mat& key) { return cv::countNonZero((key > 10) & (key < 245)); };
  EXPECT_LT(soft(hard), soft(clipped) / 2);
}

TEST_F(KeyTest, TheMasksReachEndsHazeAndKeepsTheEdge) {
  const cv::Mat rgba = hazy_head(60);
  const auto key_with = [&](const std::string& properties) {
    return key_of(rgba, "key-clip=0 " + properties);
  };
  const cv::Mat everywhere = key_with("mask-reach=0"), usual = key_with("");
  EXPECT_EQ(everywhere.at<uchar>(32, 52), 60);
  EXPECT_LT(usual.at<uchar>(32, 52), 20) << "eight pixels away, of ten";
  for (const int x : {80, 96, 100, 103})
    EXPECT_NEAR(usual.at<uchar>(60, x), everywhere.at<uchar>(60, x), 1) << x;
}

TEST_F(KeyTest, CarriesTheTimecodeThatTheFillCarries) {
  start("background=transparent", "video/x-raw, format=RGB", "video/x-raw, format=GRAY8");
  GstBuffer* in = head(0, soft_head(head_color));
  gst_buffer_add_video_time_code_meta_full(in, 25, 1, nullptr, GST_VIDEO_TIME_CODE_FLAGS_NONE, 10, 11, 12, 13,
                                           0);
  gst_harness_push(fill_.get(), in);
  for (const auto* h : {&fill_, &key_}) {
    const Owned<GstBuffer> out = pull(*h);
    const GstVideoTimeCodeMeta* meta = gst_buffer_get_video_time_code_meta(out.get());
    ASSERT_TRUE(meta);
    EXPECT_EQ(meta->tc.hours, 10u);
    EXPECT_EQ(meta->tc.frames, 13u);
  }
}

TEST_F(KeyTest, EndsAndFlushesWithTheFill) {
  start("background=transparent", "video/x-raw, format=RGB", "video/x-raw, format=GRAY8");
  gst_harness_push(fill_.get(), head(0, soft_head(head_color)));
  ASSERT_TRUE(pull(fill_));
  ASSERT_TRUE(pull(key_));
  gst_harness_push_event(fill_.get(), gst_event_new_flush_start());
  gst_harness_push_event(fill_.get(), gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 5 * frame_duration;
  gst_harness_push_event(fill_.get(), gst_event_new_segment(&segment));
  gst_harness_push(fill_.get(), head(6, soft_head(head_color)));
  ASSERT_TRUE(pull(fill_));
  ASSERT_TRUE(pull(key_));
  gst_harness_push_event(fill_.get(), gst_event_new_eos());
  int flushes = 0;
  GstClockTime begins = GST_CLOCK_TIME_NONE;
  for (bool ended = false; !ended;) {
    const Owned<GstEvent> event(gst_harness_pull_event(key_.get()));
    ASSERT_TRUE(event) << "no end came";
    const GstSegment* passed = nullptr;
    switch (GST_EVENT_TYPE(event.get())) {
      case GST_EVENT_FLUSH_START:
      case GST_EVENT_FLUSH_STOP:
        ++flushes;
        break;
      case GST_EVENT_SEGMENT:
        gst_event_parse_segment(event.get(), &passed);
        begins = passed->start;
        break;
      case GST_EVENT_EOS:
        ended = true;
        break;
      default:
        break;
    }
  }
  EXPECT_EQ(flushes, 2);
  EXPECT_EQ(begins, 5 * frame_duration);
}

TEST_F(KeyTest, TellsTheLatencyThatTheFillHas) {
  start("background=transparent", "video/x-raw, format=RGB", "video/x-raw, format=GRAY8");
  gst_harness_set_upstream_latency(fill_.get(), 30 * GST_MSECOND);
  gst_harness_push(fill_.get(), head(0, soft_head(head_color)));
  EXPECT_EQ(gst_harness_query_latency(key_.get()), gst_harness_query_latency(fill_.get()));
}

TEST_F(KeyTest, IsThereOnceAndMayGoWhilePlaying) {
  start("background=transparent", "video/x-raw, format=(string){ RGB, RGBA }");
  GstPad* key = gst_element_request_pad_simple(element_.get(), "key");
  ASSERT_TRUE(key);
  GstPadTemplate* pad_template = gst_element_get_pad_template(element_.get(), "key");
  EXPECT_FALSE(gst_element_request_pad(element_.get(), pad_template, nullptr, nullptr));
  gst_harness_push(fill_.get(), head(0, soft_head(head_color)));
  const Owned<GstBuffer> first = pull(fill_);
  ASSERT_TRUE(first) << "a key that nobody takes holds nothing up";
  const Owned<GstCaps> beside = caps_of(fill_);
  EXPECT_STREQ(gst_structure_get_string(gst_caps_get_structure(beside.get(), 0), "format"), "RGB");
  gst_element_release_request_pad(element_.get(), key);
  gst_object_unref(key);
  gst_harness_push(fill_.get(), head(1, soft_head(head_color)));
  ASSERT_TRUE(pull(fill_));
  const Owned<GstCaps> alone = caps_of(fill_);
  EXPECT_STREQ(gst_structure_get_string(gst_caps_get_structure(alone.get(), 0), "format"), "RGBA")
      << "without a key the picture carries alpha itself";
}

TEST_F(KeyTest, MayGoFromTheBinWhileItsQueueIsFull) {
  const Owned<GstElement> pipeline = pipeline_of_bin();
  ASSERT_TRUE(pipeline);
  const Owned<GstElement> in(gst_bin_get_by_name(GST_BIN(pipeline.get()), "in")),
      fill(gst_bin_get_by_name(GST_BIN(pipeline.get()), "fill")),
      bin(gst_bin_get_by_name(GST_BIN(pipeline.get()), "r"));
  Owned<GstPad> key(gst_element_request_pad_simple(bin.get(), "key"));
  ASSERT_TRUE(key);
  // Nobody takes the key: the bin's queue fills, and the compositor waits in it.
  const gulong block = gst_pad_add_probe(
      key.get(), GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  ASSERT_NE(block, 0u);
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  constexpr int frames = 12;
  push_scenes(in.get(), frames);
  g_usleep(300000);
  gst_element_release_request_pad(bin.get(), key.get());
  int came = 0;
  while (GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(fill.get()), 5 * GST_SECOND)) {
    gst_sample_unref(sample);
    if (++came == frames) break;
  }
  EXPECT_EQ(came, frames) << "the fill goes on without its key";
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
}

TEST_F(KeyTest, ComesOutOfTheBinBesideTheFill) {
  const Owned<GstElement> pipeline = pipeline_of_bin(
      "r.key ! video/x-raw,format=GRAY8 ! queue ! appsink name=key sync=false wait-on-eos=false");
  ASSERT_TRUE(pipeline);
  const Owned<GstElement> in(gst_bin_get_by_name(GST_BIN(pipeline.get()), "in")),
      fill(gst_bin_get_by_name(GST_BIN(pipeline.get()), "fill")),
      key(gst_bin_get_by_name(GST_BIN(pipeline.get()), "key"));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  push_scenes(in.get(), 5);
  gst_app_src_end_of_stream(GST_APP_SRC(in.get()));
  int pairs = 0;
  for (;; ++pairs) {
    GstSample* one = gst_app_sink_try_pull_sample(GST_APP_SINK(fill.get()), 5 * GST_SECOND);
    GstSample* other =
        gst_app_sink_try_pull_sample(GST_APP_SINK(key.get()), one ? 5 * GST_SECOND : GST_SECOND);
    EXPECT_EQ(one != nullptr, other != nullptr);
    if (one && other) {
      EXPECT_EQ(GST_BUFFER_PTS(gst_sample_get_buffer(one)), GST_BUFFER_PTS(gst_sample_get_buffer(other)));
    }
    const bool ended = !one || !other;
    if (one) gst_sample_unref(one);
    if (other) gst_sample_unref(other);
    if (ended) break;
  }
  EXPECT_EQ(pairs, 5);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
}

}  // namespace
}  // namespace reenact
