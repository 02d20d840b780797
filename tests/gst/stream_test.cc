// SPDX-License-Identifier: LGPL-2.1-or-later
// What every element of the chain must do with a stream, whatever it makes of it.
#include <ostream>

#include "element_test.h"
#include "reenact/identity.h"
#include "stream/identity_event.h"

namespace reenact {
namespace {

const cv::Rect face{20, 12, 24, 30};

/// An element and two kinds of stream that it takes, numbered 0 and 1.
struct StreamCase {
  const char* factory;
  const char* properties;
  std::string (*caps)(int kind);
  GstBuffer* (*frame)(int kind, int number);
  const char* needed_file;  ///< property of the file it cannot do without; null: none
};

std::ostream& operator<<(std::ostream& stream, const StreamCase& tested) {
  return stream << tested.factory;
}

std::string driver_caps(int kind) {
  return kind == 0 ? rgb_caps(160, 120) : rgb_caps(96, 200);
}
GstBuffer* driver_frame(int kind, int number) {
  return new_frame(kind == 0 ? scene(160, 120, face) : scene(96, 200, face), number);
}

std::string at_other_rate(std::string caps, int kind) {
  if (kind == 1) caps.replace(caps.find("25/1"), 4, "50/1");
  return caps;
}
std::string crop_caps(int kind) {
  return at_other_rate(rgb_caps(test_image_size, test_image_size), kind);
}
GstBuffer* crop_frame(int, int number) {
  return new_frame(cv::Mat(test_image_size, test_image_size, CV_8UC3, cv::Scalar(90, 20, 10)), number);
}

std::string pose_caps(int kind) {
  return at_other_rate(pose_caps_string(), kind);
}
GstBuffer* pose_frame(int, int number) {
  return new_pose(0.5f, number);
}

std::string head_caps(int kind) {
  return kind == 0 ? rgba_caps(32, 32) : rgba_caps(48, 48);
}
GstBuffer* head_frame(int kind, int number) {
  return new_frame(
      cv::Mat(kind == 0 ? cv::Size(32, 32) : cv::Size(48, 48), CV_8UC4, cv::Scalar(9, 8, 7, 255)), number);
}

class StreamTest : public ElementTest, public testing::WithParamInterface<StreamCase> {
 protected:
  const StreamCase& tested() const { return GetParam(); }

  Owned<GstHarness> harness(int kind = 0) {
    element_ = make(tested().factory, tested().properties);
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
    gst_harness_set_src_caps_str(h.get(), tested().caps(kind).c_str());
    // Where reenactidentity would stand before it.
    if (std::string(tested().factory) == "reenactgenerator")
      gst_harness_push_event(h.get(), new_identity_event(load_identity(folder() / "red.safetensors")));
    return h;
  }
  Owned<GstBuffer> through(GstHarness* h, GstBuffer* in) {
    return Owned<GstBuffer>(gst_harness_push_and_pull(h, in));
  }
  static bool wait_for_end(GstHarness* h) {
    while (GstEvent* event = gst_harness_pull_event(h)) {
      const bool ended = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
      gst_event_unref(event);
      if (ended) return true;
    }
    return false;
  }
  static void flush(GstHarness* h) {
    gst_harness_push_event(h, gst_event_new_flush_start());
    gst_harness_push_event(h, gst_event_new_flush_stop(TRUE));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_harness_push_event(h, gst_event_new_segment(&segment));
  }

  Owned<GstElement> element_;
};

TEST_P(StreamTest, GoesUpAndDownAgainAndAgain) {
  auto element = make(tested().factory, tested().properties);
  for (int time = 0; time < 3; ++time) {
    ASSERT_NE(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
    ASSERT_EQ(gst_element_set_state(element.get(), GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
    ASSERT_NE(gst_element_set_state(element.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    ASSERT_EQ(gst_element_set_state(element.get(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  }
  EXPECT_EQ(error_text(), "");
}

TEST_P(StreamTest, ErrorsWithoutItsFileAndCanBeUsedAfterwards) {
  if (!tested().needed_file) GTEST_SKIP() << "needs no file";
  auto element = make(tested().factory, tested().properties);
  gchar* right = nullptr;
  g_object_get(element.get(), tested().needed_file, &right, nullptr);
  g_object_set(element.get(), tested().needed_file, "absent.safetensors", nullptr);
  EXPECT_EQ(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  GQuark domain = 0;
  const std::string text = error_text(&domain);
  EXPECT_NE(text.find("absent.safetensors"), std::string::npos) << text;
  EXPECT_EQ(domain, GST_RESOURCE_ERROR);
  gst_element_set_state(element.get(), GST_STATE_NULL);
  g_object_set(element.get(), tested().needed_file, right, nullptr);
  g_free(right);
  EXPECT_NE(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  gst_element_set_state(element.get(), GST_STATE_NULL);
}

TEST_P(StreamTest, KeepsTimestampsAndTheirAbsence) {
  auto h = harness();
  for (const int number : {3, 4, 9}) {
    const auto out = through(h.get(), tested().frame(0, number));
    ASSERT_TRUE(out);
    EXPECT_EQ(GST_BUFFER_PTS(out.get()), frame_duration * GstClockTime(number));
    EXPECT_EQ(GST_BUFFER_DURATION(out.get()), frame_duration);
  }
  for (int number = 10; number < 12; ++number) {
    GstBuffer* in = tested().frame(0, number);
    GST_BUFFER_PTS(in) = GST_BUFFER_DURATION(in) = GST_CLOCK_TIME_NONE;
    const auto out = through(h.get(), in);
    ASSERT_TRUE(out);
    EXPECT_FALSE(GST_BUFFER_PTS_IS_VALID(out.get()));
  }
  EXPECT_EQ(error_text(), "");
}

TEST_P(StreamTest, GoesOnAfterAFlush) {
  auto h = harness();
  ASSERT_TRUE(through(h.get(), tested().frame(0, 5)));
  flush(h.get());
  const auto out = through(h.get(), tested().frame(0, 1));
  ASSERT_TRUE(out);
  EXPECT_EQ(GST_BUFFER_PTS(out.get()), frame_duration);
}

TEST_P(StreamTest, PassesTheEndOnAndBeginsAnewAfterAFlush) {
  auto h = harness();
  ASSERT_TRUE(through(h.get(), tested().frame(0, 0)));
  gst_harness_push_event(h.get(), gst_event_new_eos());
  EXPECT_TRUE(wait_for_end(h.get()));
  flush(h.get());
  EXPECT_TRUE(through(h.get(), tested().frame(0, 1)));
}

TEST_P(StreamTest, EndsWithoutAnyFrame) {
  auto h = harness();
  gst_harness_push_event(h.get(), gst_event_new_eos());
  EXPECT_TRUE(wait_for_end(h.get()));
}

TEST_P(StreamTest, FollowsCapsThatChangeMidStream) {
  auto h = harness();
  int number = 0;
  for (const int kind : {0, 1, 0}) {
    gst_harness_set_src_caps_str(h.get(), tested().caps(kind).c_str());
    for (int frame = 0; frame < 2; ++frame, ++number) {
      const auto out = through(h.get(), tested().frame(kind, number));
      ASSERT_TRUE(out) << "kind " << kind;
      EXPECT_EQ(GST_BUFFER_PTS(out.get()), frame_duration * GstClockTime(number));
    }
  }
  EXPECT_EQ(error_text(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Elements, StreamTest,
    testing::Values(StreamCase{"reenactcrop", "size=64", driver_caps, driver_frame, "model-file"},
                    StreamCase{"reenactpose", "", crop_caps, crop_frame, "model-file"},
                    StreamCase{"reenactidentity", "identity-file=red.safetensors", pose_caps, pose_frame,
                               "identity-file"},
                    StreamCase{"reenactgenerator", "", pose_caps, pose_frame, "model-file"},
                    StreamCase{"reenactcompositor", "", head_caps, head_frame, nullptr},
                    StreamCase{"reenactbin", "identity-file=red.safetensors", driver_caps, driver_frame,
                               "model-file"}),
    [](const auto& info) { return std::string(info.param.factory); });

/// Pictures no camera gives, through the whole chain.
class OddVideoTest : public ElementTest {};

TEST_F(OddVideoTest, ComesOutAsLargeAsItWentIn) {
  struct Case {
    const char* format;
    int width, height;
    const char* more;
  };
  for (const Case& odd : {Case{"RGB", 1, 1, ""}, Case{"I420", 4096, 16, ""}, Case{"NV12", 16, 2048, ""},
                          Case{"GRAY8", 64, 48, ""}, Case{"GRAY16_LE", 65, 33, ""},
                          Case{"UYVY", 720, 576, ", interlace-mode=progressive"},
                          Case{"I420", 64, 48, ", pixel-aspect-ratio=(fraction)64/45"},
                          Case{"I420", 64, 48, ", framerate=(fraction)0/1"}}) {
    SCOPED_TRACE(std::string(odd.format) + " " + std::to_string(odd.width) + "x" +
                 std::to_string(odd.height) + odd.more);
    auto element = make("reenactbin", "identity-file=red.safetensors background=color");
    Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
    std::string caps = std::string("video/x-raw, format=(string)") + odd.format +
                       ", width=" + std::to_string(odd.width) + ", height=" + std::to_string(odd.height) +
                       odd.more;
    if (caps.find("framerate") == std::string::npos) caps += ", framerate=25/1";
    gst_harness_set_src_caps_str(h.get(), caps.c_str());
    Owned<GstCaps> in_caps(gst_caps_from_string(caps.c_str()));
    GstVideoInfo info;
    ASSERT_TRUE(gst_video_info_from_caps(&info, in_caps.get()));
    for (int number = 0; number < 2; ++number) {
      GstBuffer* in = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
      gst_buffer_memset(in, 0, 0x40, GST_VIDEO_INFO_SIZE(&info));
      if (number == 0) GST_BUFFER_PTS(in) = 0;  // the second has no time
      Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), in));
      ASSERT_TRUE(out) << error_text();
      Owned<GstCaps> out_caps(gst_pad_get_current_caps(h->sinkpad));
      ASSERT_TRUE(gst_video_info_from_caps(&info, out_caps.get()));
      EXPECT_EQ(GST_VIDEO_INFO_WIDTH(&info), odd.width);
      EXPECT_EQ(GST_VIDEO_INFO_HEIGHT(&info), odd.height);
      ASSERT_TRUE(gst_video_info_from_caps(&info, in_caps.get()));
    }
    EXPECT_EQ(error_text(), "");
  }
}

TEST_F(OddVideoTest, SeparateFieldsAreRefusedInNegotiation) {
  auto element = make("reenactbin", "identity-file=red.safetensors");
  Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
  Owned<GstCaps> fields(
      gst_caps_from_string("video/x-raw(format:Interlaced), format=RGB, width=64, height=64, framerate=25/1, "
                           "interlace-mode=alternate"));
  EXPECT_FALSE(gst_pad_peer_query_accept_caps(h->srcpad, fields.get()));
}

}  // namespace
}  // namespace reenact
