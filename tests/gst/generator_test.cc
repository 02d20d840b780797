// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>
#include <limits>
#include <memory>

#include "element_test.h"
#include "reenact/identity.h"
#include "stream/face_meta.h"
#include "stream/identity_event.h"

namespace reenact {
namespace {

class GeneratorTest : public ElementTest {
 protected:
  Owned<GstHarness> harness(const std::string& properties = "", const char* identity = "red.safetensors") {
    element_ = make("reenactgenerator", properties);
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
    gst_harness_set_src_caps_str(h.get(), pose_caps_string().c_str());
    if (identity) {
      gst_harness_push_event(h.get(), new_identity_event(load_identity(folder() / identity)));
    }
    return h;
  }
  /// The middle of the head drawn for a pose whose first value is `value`.
  cv::Vec4b drawn(GstHarness* h, float value, int number) {
    Owned<GstBuffer> out(gst_harness_push_and_pull(h, new_pose(value, number)));
    if (!out) return {};
    Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
    return picture_of(out.get(), caps.get()).at<cv::Vec4b>(test_image_size / 2, test_image_size / 2);
  }
  Owned<GstElement> element_;
};

TEST_F(GeneratorTest, DrawsTheIdentityInThePose) {
  auto h = harness();
  EXPECT_EQ(drawn(h.get(), 0.4f, 0), cv::Vec4b(255, 0, 102, 255));
  Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
  GstVideoInfo info;
  ASSERT_TRUE(gst_video_info_from_caps(&info, caps.get()));
  EXPECT_EQ(GST_VIDEO_INFO_FORMAT(&info), GST_VIDEO_FORMAT_RGBA);
  EXPECT_EQ(GST_VIDEO_INFO_WIDTH(&info), test_image_size);
  EXPECT_EQ(GST_VIDEO_INFO_FPS_N(&info), 25);
}

TEST_F(GeneratorTest, SwitchesIdentityExactlyBetweenTwoBuffers) {
  auto h = harness();
  EXPECT_EQ(drawn(h.get(), 0, 0)[0], 255);
  gst_harness_push_event(h.get(), new_identity_event(load_identity(folder() / "green.safetensors")));
  EXPECT_EQ(drawn(h.get(), 0, 1), cv::Vec4b(0, 255, 0, 255));
}

TEST_F(GeneratorTest, MovesRelativeToTheReference) {
  // red.safetensors rests at 0.25.
  auto h = harness("pose-mode=relative");
  EXPECT_EQ(drawn(h.get(), 0.6f, 0)[2], 64) << "the first pose is the reference, so the head rests";
  EXPECT_EQ(drawn(h.get(), 0.8f, 1)[2], 115);
  g_signal_emit_by_name(element_.get(), "set-reference");
  EXPECT_EQ(drawn(h.get(), 0.8f, 2)[2], 64);
  g_object_set(element_.get(), "pose-strength", 2.0, nullptr);
  EXPECT_EQ(drawn(h.get(), 0.9f, 3)[2], 115);
}

TEST_F(GeneratorTest, CountsFromARunningMeanOnItsOwn) {
  auto h = harness("pose-mode=auto");
  EXPECT_EQ(drawn(h.get(), 0.6f, 0)[2], 64) << "starts at rest";
  int last = 0;
  for (int frame = 1; frame < 25 * 20; ++frame) last = drawn(h.get(), 0.8f, frame)[2];
  EXPECT_NEAR(last, 64, 3) << "where the driver stays is where he rests";
  g_signal_emit_by_name(element_.get(), "set-reference");
  for (int frame = 500; frame < 750; ++frame) last = drawn(h.get(), 0.4f, frame)[2];
  EXPECT_NEAR(last, 64, 1) << "glides to the reference that was asked for";
  EXPECT_NEAR(drawn(h.get(), 0.6f, 750)[2], 115, 1);
}

TEST_F(GeneratorTest, PoseStrengthCountsFromTheRestingPose) {
  auto h = harness("pose-strength=0");
  EXPECT_EQ(drawn(h.get(), 0.9f, 0)[2], 64);
  g_object_set(element_.get(), "pose-strength", 0.5, nullptr);
  EXPECT_EQ(drawn(h.get(), 0.75f, 1)[2], 128);
}

TEST_F(GeneratorTest, DrawsNothingForAGapAndForNobody) {
  auto h = harness();
  GstBuffer* gap = new_pose(0.5f, 0);
  GST_BUFFER_FLAG_SET(gap, GST_BUFFER_FLAG_GAP);
  Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), gap));
  ASSERT_TRUE(out);
  Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
  EXPECT_EQ(cv::norm(picture_of(out.get(), caps.get()), cv::NORM_INF), 0);
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_GAP));
  gst_harness_push_event(h.get(), new_identity_event(nullptr));
  EXPECT_EQ(drawn(h.get(), 0.5f, 1), cv::Vec4b(0, 0, 0, 0));
}

TEST_F(GeneratorTest, ErrorsWithoutAnyIdentity) {
  auto h = harness("", nullptr);
  EXPECT_EQ(gst_harness_push(h.get(), new_pose(0, 0)), GST_FLOW_ERROR);
  EXPECT_NE(error_text().find("reenactidentity"), std::string::npos);
}

TEST_F(GeneratorTest, ErrorsOnAnIdentityThatDoesNotFit) {
  auto h = harness("", "long.safetensors");
  EXPECT_NE(error_text().find("7"), std::string::npos);
}

TEST_F(GeneratorTest, GoesOnWithTheHeadItHasWhenAnotherDoesNotFit) {
  for (const char* properties : {"", "identity-transition=400"}) {
    SCOPED_TRACE(properties);
    auto h = harness(properties);
    const cv::Vec4b red = drawn(h.get(), 0.4f, 0);
    EXPECT_EQ(red[0], 255);
    gst_harness_push_event(h.get(), new_identity_event(load_identity(folder() / "long.safetensors")));
    const auto warning = message(GST_MESSAGE_WARNING);
    ASSERT_TRUE(warning);
    GError* said = nullptr;
    gst_message_parse_warning(warning.get(), &said, nullptr);
    EXPECT_NE(std::string(said->message).find("7 values, wanted the reenactor's 4"), std::string::npos)
        << said->message;
    EXPECT_TRUE(g_error_matches(said, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE));
    g_error_free(said);
    EXPECT_EQ(drawn(h.get(), 0.4f, 1), red);
    EXPECT_EQ(error_text(), "");
    g_object_set(element_.get(), "identity-transition", 0u, nullptr);
    gst_harness_push_event(h.get(), new_identity_event(load_identity(folder() / "green.safetensors")));
    EXPECT_EQ(drawn(h.get(), 0, 2), cv::Vec4b(0, 255, 0, 255));
  }
}

TEST_F(GeneratorTest, GoesOnWithoutAHeadWhenTheFirstDoesNotFit) {
  auto h = harness();
  gst_harness_push_event(h.get(), new_identity_event(nullptr));
  gst_harness_push_event(h.get(), new_identity_event(load_identity(folder() / "long.safetensors")));
  EXPECT_TRUE(message(GST_MESSAGE_WARNING));
  EXPECT_EQ(drawn(h.get(), 0.5f, 0), cv::Vec4b(0, 0, 0, 0));
  EXPECT_EQ(error_text(), "");
}

TEST_F(GeneratorTest, ErrorsOnPosesOfTheWrongLength) {
  auto element = make("reenactgenerator");
  Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), pose_caps_string(5).c_str());
  const std::string text = error_text();
  EXPECT_NE(text.find("5:1:1:1"), std::string::npos) << text;
  EXPECT_NE(text.find("8:1:1:1"), std::string::npos) << text;
}

TEST_F(GeneratorTest, TakesEverySpellingOfTheDimensions) {
  for (const char* dimensions : {"8", "8:1", "8:1:1", "8:1:1:1", "8:1:1:1:1:1:1:1"}) {
    auto element = make("reenactgenerator");
    Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
    gst_harness_set_src_caps_str(h.get(), (std::string("other/tensors, format=static, num_tensors=1, "
                                                       "types=float32, framerate=25/1, dimensions=(string)") +
                                           dimensions)
                                              .c_str());
    EXPECT_EQ(error_text(), "") << dimensions;
  }
}

TEST_F(GeneratorTest, ErrorsOnAPoseThatIsNotFiniteOrTooShort) {
  {
    auto h = harness();
    EXPECT_EQ(gst_harness_push(h.get(), new_pose(std::numeric_limits<float>::quiet_NaN(), 0)),
              GST_FLOW_ERROR);
    EXPECT_NE(error_text().find("finite"), std::string::npos);
  }
  auto h = harness();
  EXPECT_EQ(gst_harness_push(h.get(), new_pose(0, 0, 3)), GST_FLOW_ERROR);
  EXPECT_NE(error_text().find("12 bytes"), std::string::npos);
}

TEST_F(GeneratorTest, CarriesTheFaceMetaAndTimestamps) {
  auto h = harness();
  GstBuffer* pose = new_pose(0, 9);
  FaceMeta* meta = add_face_meta(pose, nullptr, nullptr);
  meta->crop = {3, 4, 50, 50};
  Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), pose));
  ASSERT_TRUE(out && get_face_meta(out.get()));
  EXPECT_EQ(get_face_meta(out.get())->crop, cv::Rect(3, 4, 50, 50));
  EXPECT_EQ(GST_BUFFER_PTS(out.get()), 9 * frame_duration);
}

TEST_F(GeneratorTest, AnswersTheLatencyQueryAboveUpstreams) {
  auto h = harness();
  for (int i = 0; i < 40; ++i) drawn(h.get(), 0, i);
  gst_harness_set_upstream_latency(h.get(), 20 * GST_MSECOND);
  EXPECT_GE(gst_harness_query_latency(h.get()), 20 * GST_MSECOND);
}

TEST_F(GeneratorTest, DropsFramesThatAreTooLateToBeSeen) {
  auto h = harness();
  gst_harness_push_upstream_event(
      h.get(), gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 2.0, 5 * GST_SECOND, 10 * frame_duration));
  EXPECT_EQ(gst_harness_push(h.get(), new_pose(0, 11)), GST_FLOW_OK);
  EXPECT_EQ(gst_harness_buffers_received(h.get()), 0u);
}

}  // namespace
}  // namespace reenact
