// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include <algorithm>
#include <string>
#include <vector>

#include "element_test.h"
#include "stream/face_meta.h"

namespace reenact {
namespace {

/// Whole pipelines of stock elements and ours, over the fake backend.
class PipelineTest : public ElementTest {
 protected:
  ~PipelineTest() override {
    if (pipeline_) gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  }

  void launch(const std::string& description) {
    GError* error = nullptr;
    pipeline_.reset(gst_parse_launch(description.c_str(), &error));
    ASSERT_TRUE(pipeline_ && !error) << (error ? error->message : "");
  }
  template <typename T>
  Owned<GstElement> element(const char* name, T** typed) {
    Owned<GstElement> found(gst_bin_get_by_name(GST_BIN(pipeline_.get()), name));
    *typed = reinterpret_cast<T*>(found.get());
    return found;
  }
  void push_scenes(GstAppSrc* source, int count, int with_face_until) {
    for (int i = 0; i < count; ++i) {
      const cv::Rect face(60 + i, 40, 30, 36);
      gst_app_src_push_buffer(source,
                              new_frame(i < with_face_until ? scene(160, 120, face) : scene(160, 120), i));
    }
    gst_app_src_end_of_stream(source);
  }
  /// Runs until the end of the stream or an error, whose text it returns.
  std::string run() {
    gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
    Owned<GstElement> none;
    GstBus* bus = gst_element_get_bus(pipeline_.get());
    constexpr auto wanted = GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
    warnings_.clear();
    Owned<GstMessage> end;
    do {
      end.reset(gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, wanted));
      if (end && GST_MESSAGE_TYPE(end.get()) == GST_MESSAGE_WARNING) warnings_.push_back(text_of(end.get()));
    } while (end && GST_MESSAGE_TYPE(end.get()) == GST_MESSAGE_WARNING);
    gst_object_unref(bus);
    if (!end) return "nothing happened for a minute";
    if (GST_MESSAGE_TYPE(end.get()) == GST_MESSAGE_EOS) return "";
    return text_of(end.get());
  }
  static std::string text_of(GstMessage* message) {
    GError* error = nullptr;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING) {
      gst_message_parse_warning(message, &error, nullptr);
    } else {
      gst_message_parse_error(message, &error, nullptr);
    }
    const std::string text = error->message;
    g_error_free(error);
    return text;
  }
  /// How many of the last run's warnings begin like that.
  int count_warnings_of(const std::string& beginning) {
    int count = 0;
    for (const std::string& text : warnings_) count += text.starts_with(beginning);
    return count;
  }
  struct Results {
    int frames = 0, with_head = 0, driver_pixels = 0;
    cv::Size size;
  };
  Results pull_all(GstAppSink* sink) {
    Results results;
    while (GstSample* sample = gst_app_sink_try_pull_sample(sink, GST_SECOND)) {
      const cv::Mat picture = picture_of(gst_sample_get_buffer(sample), gst_sample_get_caps(sample));
      gst_sample_unref(sample);
      ++results.frames;
      results.size = picture.size();
      results.driver_pixels += face_colored_pixels(picture);
      cv::Mat red;
      cv::inRange(picture, cv::Scalar(240, 0, 0), cv::Scalar(255, 20, 255), red);
      results.with_head += cv::countNonZero(red) > 100;
    }
    return results;
  }

  Owned<GstElement> pipeline_;
  std::vector<std::string> warnings_;  // of the last run
};

const std::string source_caps = "appsrc name=in format=time caps=\"" + rgb_caps(160, 120) + "\" ";

TEST_F(PipelineTest, TheStraightLineWorks) {
  launch(source_caps +
         "! videoconvert ! reenactcrop device=cuda ! reenactpose device=cuda ! reenactidentity "
         "identity-file=red.safetensors "
         "! reenactgenerator device=cuda ! reenactcompositor ! videoconvert ! video/x-raw,format=RGB ! "
         "appsink name=out wait-on-eos=false "
         "sync=false");
  GstAppSrc* in = nullptr;
  GstAppSink* out = nullptr;
  const auto in_element = element("in", &in), out_element = element("out", &out);
  push_scenes(in, 12, 8);
  EXPECT_EQ(run(), "");
  const Results results = pull_all(out);
  EXPECT_EQ(results.frames, 12);
  EXPECT_EQ(results.with_head, 12) << "held when the face is gone";
  EXPECT_EQ(results.driver_pixels, 0);
  EXPECT_EQ(results.size, cv::Size(160, 120));
}

TEST_F(PipelineTest, StockElementsMayStandInBetween) {
  launch(
      source_caps +
      "! videoconvert ! video/x-raw,format=I420 ! queue ! reenactcrop device=cuda size=100 ! videoconvert ! "
      "video/x-raw,format=BGRx ! videoscale ! video/x-raw,width=48,height=48 ! queue ! tee name=t ! queue ! "
      "videoconvert ! videoscale ! reenactpose device=cuda ! queue ! tee name=u ! queue ! reenactidentity "
      "identity-file=red.safetensors ! identity ! queue ! reenactgenerator device=cuda ! videoconvert ! "
      "video/x-raw,format=BGRA ! videoscale ! video/x-raw,width=64,height=64 ! videoconvert ! queue ! "
      "reenactcompositor ! videoconvert ! video/x-raw,format=RGB ! appsink name=out wait-on-eos=false "
      "sync=false "
      "t. ! queue ! fakesink async=false sync=false u. ! queue ! fakesink async=false sync=false");
  GstAppSrc* in = nullptr;
  GstAppSink* out = nullptr;
  const auto in_element = element("in", &in), out_element = element("out", &out);
  push_scenes(in, 6, 6);
  EXPECT_EQ(run(), "");
  const Results results = pull_all(out);
  EXPECT_EQ(results.frames, 6);
  EXPECT_EQ(results.with_head, 6);
  EXPECT_EQ(results.size, cv::Size(160, 120)) << "the meta came through";
}

TEST_F(PipelineTest, TheBinDoesTheSame) {
  launch(
      source_caps +
      "! reenactbin name=r identity-file=red.safetensors device=cuda background=color ! video/x-raw,format=RGB ! appsink name=out wait-on-eos=false sync=false");
  GstAppSrc* in = nullptr;
  GstAppSink* out = nullptr;
  GstElement* bin = nullptr;
  const auto in_element = element("in", &in), out_element = element("out", &out),
             bin_element = element("r", &bin);
  // Not in the line above: gst_parse_launch of 1.22 keeps a reference on a child it sets a property of, stock
  // ones too.
  gst_child_proxy_set(GST_CHILD_PROXY(bin), "crop::detect-interval", 3, "compositor::opacity", 0.5, nullptr);
  int interval = 0, background = 0;
  double opacity = 0;
  gchar* device = nullptr;
  gst_child_proxy_get(GST_CHILD_PROXY(bin), "crop::detect-interval", &interval, "compositor::background",
                      &background, "compositor::opacity", &opacity, "generator::device", &device, nullptr);
  EXPECT_EQ(interval, 3);
  EXPECT_EQ(opacity, 0.5);
  EXPECT_EQ(background, 1);
  EXPECT_STREQ(device, "cuda");
  g_free(device);
  push_scenes(in, 6, 6);
  EXPECT_EQ(run(), "");
  const Results results = pull_all(out);
  EXPECT_EQ(results.frames, 6);
  EXPECT_EQ(results.driver_pixels, 0);
}

TEST_F(PipelineTest, TheBinTakesABackground) {
  launch(source_caps +
         "! reenactbin name=r identity-file=red.safetensors device=cuda ! video/x-raw,format=RGB ! appsink "
         "name=out wait-on-eos=false "
         "sync=false videotestsrc pattern=solid-color foreground-color=0xff00ff00 num-buffers=6 ! "
         "video/x-raw,width=40,height=30,framerate=25/1 ! r.background");
  GstAppSrc* in = nullptr;
  GstAppSink* out = nullptr;
  const auto in_element = element("in", &in), out_element = element("out", &out);
  push_scenes(in, 6, 6);
  EXPECT_EQ(run(), "");
  GstSample* sample = gst_app_sink_pull_sample(out);
  ASSERT_TRUE(sample);
  const cv::Mat picture = picture_of(gst_sample_get_buffer(sample), gst_sample_get_caps(sample));
  EXPECT_EQ(picture.size(), cv::Size(160, 120));
  EXPECT_LE(difference(picture.at<cv::Vec3b>(2, 2), cv::Vec3b(0, 255, 0)), 4);
  gst_sample_unref(sample);
}

TEST_F(PipelineTest, ALiveSourceWithoutAFaceShowsTheBackground) {
  launch(
      "videotestsrc is-live=true num-buffers=10 pattern=black ! "
      "video/x-raw,width=160,height=120,framerate=30/1 ! "
      "reenactbin identity-file=red.safetensors device=cuda background=color background-color=0xff102030 ! "
      "video/x-raw,format=RGB ! appsink name=out wait-on-eos=false sync=true");
  GstAppSink* out = nullptr;
  const auto out_element = element("out", &out);
  EXPECT_EQ(run(), "");
  int frames = 0;
  while (GstSample* sample = gst_app_sink_try_pull_sample(out, GST_SECOND)) {
    const cv::Mat picture = picture_of(gst_sample_get_buffer(sample), gst_sample_get_caps(sample));
    EXPECT_EQ(cv::norm(picture, cv::Mat(picture.size(), CV_8UC3, cv::Scalar(0x10, 0x20, 0x30)), cv::NORM_INF),
              0);
    gst_sample_unref(sample);
    ++frames;
  }
  EXPECT_GT(frames, 0);
}

TEST_F(PipelineTest, DroppingFramesWithoutAFaceLeavesTheRest) {
  launch(source_caps +
         "! reenactbin identity-file=red.safetensors device=cuda no-face=drop ! video/x-raw,format=RGB ! "
         "appsink name=out wait-on-eos=false sync=false");
  GstAppSrc* in = nullptr;
  GstAppSink* out = nullptr;
  const auto in_element = element("in", &in), out_element = element("out", &out);
  push_scenes(in, 10, 6);
  EXPECT_EQ(run(), "");
  EXPECT_EQ(pull_all(out).frames, 6);
}

TEST_F(PipelineTest, ASourceThatCountsBytesGetsOneWarningAndIsPlayed) {
  const std::string source = "appsrc name=in caps=\"" + rgb_caps(160, 120) + "\" ! ";
  const std::string sink = " ! video/x-raw,format=RGB ! appsink name=out wait-on-eos=false sync=false";
  for (const std::string chain : {"reenactbin identity-file=red.safetensors device=cuda",
                                  "reenactcrop device=cuda post-messages=true ! reenactpose device=cuda ! "
                                  "reenactidentity identity-file=red.safetensors ! "
                                  "reenactgenerator device=cuda ! reenactcompositor"}) {
    launch(source + chain + sink);
    GstAppSrc* in = nullptr;
    GstAppSink* out = nullptr;
    const auto in_element = element("in", &in), out_element = element("out", &out);
    push_scenes(in, 8, 8);
    EXPECT_EQ(run(), "");  // a critical would have ended the program
    EXPECT_EQ(pull_all(out).with_head, 8);
    EXPECT_EQ(count_warnings_of("buffers come in a segment of bytes, wanted time"), 1);
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  }
}

TEST_F(PipelineTest, AMissingModelEndsItInOneSentenceAndItCanBeUsedAgain) {
  launch(source_caps +
         "! reenactbin name=r identity-file=red.safetensors device=cuda model-file=absent.safetensors ! "
         "video/x-raw,format=RGB ! appsink name=out wait-on-eos=false sync=false");
  GstAppSrc* in = nullptr;
  GstAppSink* out = nullptr;
  GstElement* bin = nullptr;
  const auto in_element = element("in", &in), out_element = element("out", &out),
             bin_element = element("r", &bin);
  EXPECT_NE(run().find("absent.safetensors"), std::string::npos);
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  g_object_set(bin, "model-file", "reenactor.safetensors", nullptr);
  gst_element_set_state(pipeline_.get(), GST_STATE_PAUSED);
  push_scenes(in, 3, 3);
  EXPECT_EQ(run(), "");
  EXPECT_EQ(pull_all(out).frames, 3);
}

TEST_F(PipelineTest, SeeksInAFileLikeSource) {
  launch(
      "videotestsrc num-buffers=50 pattern=solid-color foreground-color=0xffe614c8 ! "
      "video/x-raw,format=RGB,width=96,height=64,framerate=25/1 ! reenactbin identity-file=red.safetensors "
      "device=cuda ! "
      "video/x-raw,format=RGB ! appsink name=out wait-on-eos=false sync=false");
  GstAppSink* out = nullptr;
  const auto out_element = element("out", &out);
  gst_element_set_state(pipeline_.get(), GST_STATE_PAUSED);
  ASSERT_EQ(gst_element_get_state(pipeline_.get(), nullptr, nullptr, 20 * GST_SECOND),
            GST_STATE_CHANGE_SUCCESS);
  ASSERT_TRUE(gst_element_seek_simple(pipeline_.get(), GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SECOND));
  ASSERT_EQ(gst_element_get_state(pipeline_.get(), nullptr, nullptr, 20 * GST_SECOND),
            GST_STATE_CHANGE_SUCCESS);
  GstSample* sample = gst_app_sink_pull_preroll(out);
  ASSERT_TRUE(sample);
  EXPECT_EQ(GST_BUFFER_PTS(gst_sample_get_buffer(sample)), GST_SECOND);
  gst_sample_unref(sample);
}

TEST_F(PipelineTest, TheBinHasTheActionsAndPropertiesOfItsChildren) {
  launch(source_caps +
         "! reenactbin name=r identity-file=red.safetensors device=cuda background=color opacity=0.25 "
         "pose-strength=0.5 alpha-mode=premultiplied ! video/x-raw,format=RGB ! "
         "appsink name=out wait-on-eos=false sync=false");
  GstAppSrc* in = nullptr;
  GstAppSink* out = nullptr;
  GstElement* bin = nullptr;
  const auto in_element = element("in", &in), out_element = element("out", &out),
             bin_element = element("r", &bin);
  double opacity = 0, strength = 0;
  int mode = 0;
  gst_child_proxy_get(GST_CHILD_PROXY(bin), "compositor::opacity", &opacity, "generator::pose-strength",
                      &strength, "compositor::alpha-mode", &mode, nullptr);
  EXPECT_EQ(opacity, 0.25);
  EXPECT_EQ(strength, 0.5);
  EXPECT_EQ(mode, 1);
  g_signal_emit_by_name(bin, "set-reference");
  gboolean begun = TRUE;
  g_signal_emit_by_name(bin, "enrol", 2u, nullptr, &begun);
  EXPECT_FALSE(begun) << "nothing plays yet";
}

TEST_F(PipelineTest, TheBinLearnsFromItsOwnCrops) {
  launch(source_caps +
         "! reenactbin name=r identity-file=red.safetensors device=cuda background=color ! "
         "video/x-raw,format=RGB ! appsink name=out wait-on-eos=false sync=false");
  GstAppSrc* in = nullptr;
  GstAppSink* out = nullptr;
  GstElement* bin = nullptr;
  const auto in_element = element("in", &in), out_element = element("out", &out),
             bin_element = element("r", &bin);
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  for (int i = 0; i < 2; ++i)
    gst_app_src_push_buffer(in, new_frame(scene(160, 120, cv::Rect(60, 40, 30, 36)), i));
  GstSample* first = gst_app_sink_try_pull_sample(out, 10 * GST_SECOND);
  ASSERT_TRUE(first);
  gst_sample_unref(first);
  gboolean begun = FALSE;
  g_signal_emit_by_name(bin, "enrol", 3u, nullptr, &begun);
  ASSERT_TRUE(begun);
  EXPECT_FALSE(gst_element_request_pad(bin, gst_element_get_pad_template(bin, "crops"), nullptr, nullptr))
      << "it learns from its own crops";
  for (int i = 2; i < 8; ++i)
    gst_app_src_push_buffer(in, new_frame(scene(160, 120, cv::Rect(60, 40, 30, 36)), i));
  GstBus* bus = gst_element_get_bus(pipeline_.get());
  bool learned = false;
  while (GstMessage* message = gst_bus_timed_pop_filtered(
             bus, 10 * GST_SECOND,
             GstMessageType(GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING))) {
    learned = gst_message_has_name(message, "reenact-enrolled");
    gst_message_unref(message);
    if (learned) break;
  }
  gst_object_unref(bus);
  EXPECT_TRUE(learned);
}

TEST_F(PipelineTest, NoEventLeavesTheBinBeforeItsStreamBegins) {
  auto element = make("reenactbin", "identity-file=red.safetensors background=color");
  Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), rgb_caps(160, 120).c_str());
  for (int i = 0; i < 2; ++i) {
    Owned<GstBuffer> out(
        gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120, cv::Rect(60, 40, 30, 36)), i)));
    ASSERT_TRUE(out);
  }
  std::vector<GstEventType> order;
  while (GstEvent* event = gst_harness_try_pull_event(h.get())) {
    order.push_back(GST_EVENT_TYPE(event));
    gst_event_unref(event);
  }
  ASSERT_GE(order.size(), 4u);
  EXPECT_EQ(order[0], GST_EVENT_STREAM_START);
  EXPECT_EQ(order[1], GST_EVENT_CAPS);
  EXPECT_EQ(order[2], GST_EVENT_SEGMENT);
  EXPECT_NE(std::find(order.begin(), order.end(), GST_EVENT_CUSTOM_DOWNSTREAM_STICKY), order.end());
}

}  // namespace
}  // namespace reenact
