// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include <vector>

#include "element_test.h"
#include "head_frames.h"
#include "stream/face_meta.h"

namespace reenact {
namespace {

/// Heads and backgrounds pushed by hand into a pipeline around reenactcompositor. Heads are invisible, so
/// that what comes out is the background alone; background frames are grey, as light as a number says.
class BackgroundPadTest : public ElementTest {
 protected:
  static constexpr int width = 48, height = 32;

  void start(bool live = false, const std::string& compositor_properties = "") {
    const std::string source = std::string("appsrc format=time ") + (live ? "is-live=true " : "");
    pipeline_.reset(gst_parse_launch((source + "name=heads caps=\"" + rgba_caps(16, 16) +
                                      "\" ! reenactcompositor name=c background-color=0xff0000ff " +
                                      compositor_properties + " ! appsink name=out sync=false " + source +
                                      "name=backgrounds caps=\"" + background_caps_ + "\" ! c.background")
                                         .c_str(),
                                     nullptr));
    heads_ = GST_APP_SRC(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "heads"));
    backgrounds_ = GST_APP_SRC(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "backgrounds"));
    out_ = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "out"));
    gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  }
  ~BackgroundPadTest() override {
    if (!pipeline_) return;
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
    gst_object_unref(heads_);
    gst_object_unref(backgrounds_);
    gst_object_unref(out_);
  }

  void push_head(GstClockTime time) {
    GstBuffer* head = new_frame(cv::Mat(16, 16, CV_8UC4, cv::Scalar::all(0)), 0);
    GST_BUFFER_PTS(head) = time;
    const Owned<GstCaps> caps(gst_caps_from_string(driver_caps_.c_str()));
    GstVideoInfo info;
    ASSERT_TRUE(gst_video_info_from_caps(&info, caps.get()));
    FaceMeta* meta = add_face_meta(head, nullptr, &info);
    meta->frame_caps = gst_caps_ref(caps.get());
    meta->crop = {8, 8, 16, 16};
    gst_app_src_push_buffer(heads_, head);
  }
  void push_background(GstClockTime time, GstClockTime duration, int grey) {
    GstBuffer* frame = new_frame(cv::Mat(height, width, CV_8UC3, cv::Scalar::all(grey)), 0);
    GST_BUFFER_PTS(frame) = time;
    GST_BUFFER_DURATION(frame) = duration;
    gst_app_src_push_buffer(backgrounds_, frame);
  }
  /// Grey of the next picture that comes out; -1 for background-color, -2 when none comes for five seconds.
  int next() {
    GstSample* sample = gst_app_sink_try_pull_sample(out_, 5 * GST_SECOND);
    if (!sample) return -2;
    const cv::Mat picture = picture_of(gst_sample_get_buffer(sample), gst_sample_get_caps(sample));
    gst_sample_unref(sample);
    const cv::Vec3b color = picture.at<cv::Vec3b>(0, 0);
    return color == cv::Vec3b(0, 0, 255) ? -1 : color[0];
  }
  std::vector<int> next(int count) {
    std::vector<int> greys;
    for (int i = 0; i < count; ++i) greys.push_back(next());
    return greys;
  }

  /// The first component of the next picture, as a share of its limited range.
  double next_luma() {
    GstSample* sample = gst_app_sink_try_pull_sample(out_, 5 * GST_SECOND);
    if (!sample) return -1;
    const cv::Mat pixels = components_of(gst_sample_get_buffer(sample), gst_sample_get_caps(sample));
    gst_sample_unref(sample);
    return (pixels.at<cv::Vec4w>(0, 0)[1] / 256.0 - 16) / 219;
  }

  std::string driver_caps_ = rgb_caps(width, height), background_caps_ = rgb_caps(width, height);
  Owned<GstElement> pipeline_;
  GstAppSrc *heads_ = nullptr, *backgrounds_ = nullptr;
  GstAppSink* out_ = nullptr;
};

constexpr GstClockTime tick = 40 * GST_MSECOND;

TEST_F(BackgroundPadTest, PairsFramesOfTheSameRunningTime) {
  start();
  for (int i = 0; i < 4; ++i) {
    push_background(GstClockTime(i) * tick, tick, 10 * (i + 1));
    push_head(GstClockTime(i) * tick);
  }
  EXPECT_EQ(next(4), (std::vector<int>{10, 20, 30, 40}));
}

TEST_F(BackgroundPadTest, RepeatsASlowerBackground) {
  start();
  for (int i = 0; i < 3; ++i) push_background(GstClockTime(i) * 2 * tick, 2 * tick, 10 * (i + 1));
  for (int i = 0; i < 5; ++i) push_head(GstClockTime(i) * tick);
  EXPECT_EQ(next(5), (std::vector<int>{10, 10, 20, 20, 30}));
}

TEST_F(BackgroundPadTest, SkipsFramesOfAFasterBackground) {
  start();
  for (int i = 0; i < 8; ++i) push_background(GstClockTime(i) * tick / 2, tick / 2, 10 * (i + 1));
  for (int i = 0; i < 4; ++i) push_head(GstClockTime(i) * tick);
  EXPECT_EQ(next(4), (std::vector<int>{10, 30, 50, 70}));
}

TEST_F(BackgroundPadTest, HoldsTheLastFrameAfterTheEnd) {
  start();
  push_background(0, tick, 10);
  push_background(tick, tick, 20);
  gst_app_src_end_of_stream(backgrounds_);
  for (int i = 0; i < 5; ++i) push_head(GstClockTime(i) * tick);
  EXPECT_EQ(next(5), (std::vector<int>{10, 20, 20, 20, 20}));
  gst_app_src_end_of_stream(heads_);
  EXPECT_EQ(next(), -2);
  EXPECT_TRUE(gst_app_sink_is_eos(out_));
}

TEST_F(BackgroundPadTest, ShowsTheColorUntilALateBackgroundBegins) {
  start();
  push_background(2 * tick, tick, 10);
  push_background(3 * tick, tick, 20);
  for (int i = 0; i < 4; ++i) push_head(GstClockTime(i) * tick);
  EXPECT_EQ(next(4), (std::vector<int>{-1, -1, 10, 20}));
}

TEST_F(BackgroundPadTest, ShowsTheColorWhenItIsEmpty) {
  start();
  gst_app_src_end_of_stream(backgrounds_);
  push_head(0);
  EXPECT_EQ(next(), -1);
}

TEST_F(BackgroundPadTest, IsEmptiedInOtherModes) {
  start(false, "background=color");
  for (int i = 0; i < 20; ++i) push_background(GstClockTime(i) * tick, tick, 10);
  for (int i = 0; i < 20; ++i) push_head(GstClockTime(i) * tick);
  EXPECT_EQ(next(20), std::vector<int>(20, -1));
}

TEST_F(BackgroundPadTest, DoesNotStallALivePipelineThatHasNone) {
  start(true);
  for (int i = 0; i < 5; ++i) push_head(GstClockTime(i) * tick);
  EXPECT_EQ(next(5), std::vector<int>(5, -1));
  push_background(5 * tick, tick, 50);
  push_head(6 * tick);
  push_head(7 * tick);
  const std::vector<int> later = next(2);
  EXPECT_NE(later[1], -2) << "goes on";
}

TEST_F(BackgroundPadTest, DoesNotStallALivePipelineWhenItStops) {
  start(true);
  push_background(0, tick, 10);
  push_head(0);
  EXPECT_NE(next(), -2);
  for (int i = 1; i < 6; ++i) push_head(GstClockTime(i) * tick);
  EXPECT_EQ(next(5), std::vector<int>(5, 10));
}

TEST_F(BackgroundPadTest, CoversTheOutput) {
  auto element = make("reenactcompositor");
  Owned<GstHarness> heads(gst_harness_new_with_element(element.get(), "sink", "src"));
  Owned<GstHarness> backgrounds(gst_harness_new_with_element(element.get(), "background", nullptr));
  gst_harness_set_src_caps_str(heads.get(), rgba_caps(16, 16).c_str());
  gst_harness_set_src_caps_str(backgrounds.get(), rgb_caps(100, 20).c_str());
  // Twice as wide for its height as the output: a quarter of it is cut off at either side.
  cv::Mat wide(20, 100, CV_8UC3, cv::Scalar(200, 0, 0));
  wide(cv::Rect(40, 0, 20, 20)).setTo(cv::Scalar(0, 200, 0));
  GstBuffer* head = new_frame(cv::Mat(16, 16, CV_8UC4, cv::Scalar::all(0)), 0);
  const GstVideoInfo info = info_of({40, 40});
  add_face_meta(head, nullptr, &info);
  gst_harness_push(backgrounds.get(), new_frame(wide, 0));
  gst_harness_push_event(backgrounds.get(), gst_event_new_eos());
  Owned<GstBuffer> out(gst_harness_push_and_pull(heads.get(), head));
  ASSERT_TRUE(out);
  Owned<GstCaps> caps(gst_pad_get_current_caps(heads->sinkpad));
  const cv::Mat picture = picture_of(out.get(), caps.get());
  ASSERT_EQ(picture.size(), cv::Size(40, 40));
  EXPECT_EQ(picture.at<cv::Vec3b>(20, 20), cv::Vec3b(0, 200, 0));
  EXPECT_EQ(picture.at<cv::Vec3b>(1, 2), cv::Vec3b(0, 200, 0));
}

TEST_F(BackgroundPadTest, GivesTheSizeWhenHeadsHaveNoMeta) {
  auto element = make("reenactcompositor");
  Owned<GstHarness> heads(gst_harness_new_with_element(element.get(), "sink", "src"));
  Owned<GstHarness> backgrounds(gst_harness_new_with_element(element.get(), "background", nullptr));
  gst_harness_set_src_caps_str(heads.get(), rgba_caps(16, 16).c_str());
  gst_harness_set_src_caps_str(backgrounds.get(), rgb_caps(80, 60).c_str());
  gst_harness_push(backgrounds.get(), new_frame(scene(80, 60), 0));
  gst_harness_push_event(backgrounds.get(), gst_event_new_eos());
  Owned<GstBuffer> out(
      gst_harness_push_and_pull(heads.get(), new_frame(cv::Mat(16, 16, CV_8UC4, cv::Scalar::all(0)), 0)));
  ASSERT_TRUE(out);
  Owned<GstCaps> caps(gst_pad_get_current_caps(heads->sinkpad));
  EXPECT_EQ(picture_of(out.get(), caps.get()).size(), cv::Size(80, 60));
}

TEST_F(BackgroundPadTest, ABackgroundOfStandardRangeIsAsLightAsAHeadBehindADriverOfHighRange) {
  // BT.2408: diffuse white has 75 % of HLG's signal, a grey card of 12.8 % of white, sRGB's level 100, has 38 %.
  driver_caps_ =
      "video/x-raw, format=(string)P010_10LE, width=(int)48, height=(int)32, colorimetry=(string)bt2100-hlg";
  start();
  GstClockTime time = 0;
  for (const auto& [grey, wanted] : {std::pair(255, 0.75), std::pair(100, 0.38), std::pair(0, 0.0)}) {
    push_background(time, tick, grey);
    push_head(time);
    time += tick;
    EXPECT_NEAR(next_luma(), wanted, 0.01) << grey;
  }
}

TEST_F(BackgroundPadTest, ABackgroundOfHighRangeIsBroughtToStandardRange) {
  driver_caps_ = "video/x-raw, format=(string)I420, width=(int)48, height=(int)32, colorimetry=(string)bt709";
  background_caps_ += ", colorimetry=(string)1:1:15:7";  // RGB of full range, HLG, BT.2020
  start();
  GstClockTime time = 0;
  for (const auto& [level, wanted] : {std::pair(97, 100), std::pair(0, 0), std::pair(255, 255)}) {
    push_background(time, tick, level);
    push_head(time);
    time += tick;
    EXPECT_NEAR(next_luma(), wanted / 255.0, 0.02) << level;
  }
}

}  // namespace
}  // namespace reenact
