// SPDX-License-Identifier: LGPL-2.1-or-later

#include <cmath>
#include <tuple>
#include <vector>

#include "../element_test.h"
#include "stream/face_meta.h"

namespace reenact {
namespace {

/// A pose on the unit circle.
GstBuffer* pose_at(double angle, int number) {
  GstBuffer* buffer = new_pose(0, number);
  const float values[2] = {float(std::cos(angle)), float(std::sin(angle))};
  gst_buffer_fill(buffer, 0, values, sizeof(values));
  return buffer;
}

double angle_of(GstBuffer* pose) {
  float values[2] = {};
  gst_buffer_extract(pose, 0, values, sizeof(values));
  EXPECT_NEAR(std::hypot(values[0], values[1]), 1, 1e-5) << "off the circle";
  return std::atan2(values[1], values[0]);
}

class PoseFilterElementTest : public ElementTest {
 protected:
  Owned<GstHarness> harness(const std::string& properties = "", const std::string& framerate = "") {
    element_ = make("reenactposefilter", properties);
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
    std::string out = pose_caps_string();
    if (!framerate.empty()) {
      out.replace(out.find("25/1"), 4, framerate);
      gst_harness_set_sink_caps_str(h.get(), out.c_str());
    }
    gst_harness_set_src_caps_str(h.get(), pose_caps_string().c_str());
    return h;
  }
  static std::vector<Owned<GstBuffer>> pull_all(GstHarness* h) {
    std::vector<Owned<GstBuffer>> buffers;
    while (GstBuffer* buffer = gst_harness_try_pull(h)) buffers.emplace_back(buffer);
    return buffers;
  }
  Owned<GstElement> element_;
};

TEST_F(PoseFilterElementTest, PassesTheVeryBuffersUnlessAsked) {
  auto h = harness();
  for (int i = 0; i < 5; ++i) {
    GstBuffer* in = pose_at(0.3 * i, i);
    if (i == 3) GST_BUFFER_FLAG_SET(in, GST_BUFFER_FLAG_GAP);
    Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), in));
    EXPECT_EQ(out.get(), in);
  }
}

TEST_F(PoseFilterElementTest, TwiceTheFramerateHasPosesBetweenOnTheCircle) {
  auto h = harness("", "50/1");
  for (int i = 0; i < 10; ++i) gst_harness_push(h.get(), pose_at(0.2 * i, i));
  const auto out = pull_all(h.get());
  ASSERT_EQ(out.size(), 19u);
  for (int i = 0; i < 19; ++i) {
    EXPECT_EQ(GST_BUFFER_PTS(out[std::size_t(i)].get()), GstClockTime(i) * GST_SECOND / 50);
    EXPECT_EQ(GST_BUFFER_DURATION(out[std::size_t(i)].get()), GST_SECOND / 50);
    EXPECT_NEAR(angle_of(out[std::size_t(i)].get()), 0.1 * i, 1e-5);
  }
}

TEST_F(PoseFilterElementTest, AnyOtherFramerateLiesOnTheSameMotion) {
  for (const auto& [framerate, rate, count] : {std::tuple("30/1", 30.0, 29), std::tuple("12/1", 12.0, 12),
                                               std::tuple("30000/1001", 30000 / 1001.0, 29)}) {
    auto h = harness("", framerate);
    for (int i = 0; i <= 24; ++i) gst_harness_push(h.get(), pose_at(0.1 * i, i));
    const auto out = pull_all(h.get());
    ASSERT_EQ(out.size(), std::size_t(count)) << framerate;
    for (std::size_t i = 0; i < out.size(); ++i)
      EXPECT_NEAR(angle_of(out[i].get()), 0.1 * 25 * double(i) / rate, 1e-5) << framerate << " " << i;
  }
}

TEST_F(PoseFilterElementTest, WindowsMoveBetweenFramesToo) {
  auto h = harness("", "50/1");
  const GstVideoInfo info = info_of({640, 480});
  for (int i = 0; i < 3; ++i) {
    GstBuffer* in = pose_at(0.1, i);
    FaceMeta* meta = add_face_meta(in, nullptr, &info);
    meta->crop = {10 * i, 20, 100 + 2 * i, 100};
    gst_harness_push(h.get(), in);
  }
  const auto out = pull_all(h.get());
  ASSERT_EQ(out.size(), 5u);
  EXPECT_EQ(get_face_meta(out[1].get())->crop, cv::Rect(5, 20, 101, 100));
  EXPECT_EQ(get_face_meta(out[4].get())->crop, cv::Rect(20, 20, 104, 100));
}

TEST_F(PoseFilterElementTest, AnotherFramerateDoesNotBridgeAbsence) {
  auto h = harness("", "50/1");
  for (int i = 0; i < 4; ++i) {
    GstBuffer* in = pose_at(0.1 * i, i);
    if (i == 2) GST_BUFFER_FLAG_SET(in, GST_BUFFER_FLAG_GAP);
    gst_harness_push(h.get(), in);
  }
  const auto out = pull_all(h.get());
  ASSERT_EQ(out.size(), 7u);
  EXPECT_FALSE(is_faceless(out[2].get()));
  EXPECT_TRUE(is_faceless(out[4].get()));
  EXPECT_FALSE(is_faceless(out[6].get()));
}

TEST_F(PoseFilterElementTest, HoldsAndEasesOverAGapAndSaysSo) {
  auto h = harness("hold-time=0.2 ease-time=0.2");
  const auto step = [&](double angle, int number, bool gone) {
    GstBuffer* in = pose_at(angle, number);
    add_face_meta(in, nullptr, nullptr)->flags = gone ? face_missing : face_detected;
    if (gone) GST_BUFFER_FLAG_SET(in, GST_BUFFER_FLAG_GAP);
    return Owned<GstBuffer>(gst_harness_push_and_pull(h.get(), in));
  };
  step(0.5, 0, false);
  for (int i = 1; i < 4; ++i) {
    const auto held = step(2, i, true);
    EXPECT_FALSE(is_faceless(held.get()));
    EXPECT_NEAR(angle_of(held.get()), 0.5, 1e-5);
    EXPECT_EQ(get_face_meta(held.get())->flags, guint(face_missing | face_held));
  }
  double before = 0.4999;
  for (int i = 4; i < 9; ++i) {
    const double now = angle_of(step(1.5, i, false).get());
    EXPECT_GT(now, before);
    EXPECT_LT(now, 1.5);
    before = now;
  }
  EXPECT_NEAR(angle_of(step(1.5, 9, false).get()), 1.5, 1e-6);
}

TEST_F(PoseFilterElementTest, SmoothingMayBeTurnedOnWhilePlaying) {
  auto h = harness();
  const auto show = [&](float value, int number) {
    return first_value(Owned<GstBuffer>(gst_harness_push_and_pull(h.get(), new_pose(value, number))).get());
  };
  EXPECT_EQ(show(1, 0), 1);
  EXPECT_EQ(show(2, 1), 2);
  g_object_set(element_.get(), "min-cutoff", 0.5, "beta", 0.0, nullptr);
  EXPECT_EQ(show(2, 2), 2);
  const float after = show(3, 3);
  EXPECT_GT(after, 2);
  EXPECT_LT(after, 2.5);
}

TEST_F(PoseFilterElementTest, LimitsHold) {
  auto h = harness("max-speed=0.5");
  gst_harness_push(h.get(), pose_at(0, 0));
  gst_harness_push(h.get(), pose_at(2, 1));
  const auto out = pull_all(h.get());
  EXPECT_LT(angle_of(out[1].get()), 0.5 / 25 * 1.3);
  EXPECT_GT(angle_of(out[1].get()), 0);
}

TEST_F(PoseFilterElementTest, ALivePipelineLearnsOfTheDelayOfAnotherFramerate) {
  const auto latency_of = [](GstHarness* h) {
    gst_harness_push(h, pose_at(0, 0));
    return gst_harness_query_latency(h);
  };
  auto same = harness();
  gst_harness_set_upstream_latency(same.get(), 0);
  EXPECT_EQ(latency_of(same.get()), 0u);
  auto other = harness("", "50/1");
  gst_harness_set_upstream_latency(other.get(), 0);
  EXPECT_EQ(latency_of(other.get()), frame_duration);
}

TEST_F(PoseFilterElementTest, ASeekBeginsAnew) {
  auto h = harness("min-cutoff=0.01", "50/1");
  for (int i = 0; i < 3; ++i) gst_harness_push(h.get(), pose_at(0, i));
  pull_all(h.get());
  gst_harness_push_event(h.get(), gst_event_new_flush_start());
  gst_harness_push_event(h.get(), gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(h.get(), gst_event_new_segment(&segment));
  gst_harness_push(h.get(), pose_at(1, 1));
  const auto out = pull_all(h.get());
  ASSERT_EQ(out.size(), 1u);
  EXPECT_NEAR(angle_of(out[0].get()), 1, 1e-6);
  EXPECT_EQ(GST_BUFFER_PTS(out[0].get()), frame_duration);
}

}  // namespace
}  // namespace reenact
