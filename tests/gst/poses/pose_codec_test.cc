// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/app/gstappsink.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "../element_test.h"
#include "reenact/model_file.h"
#include "reenact/safetensors.h"
#include "stream/face_meta.h"
#include "stream/identity_event.h"
#include "stream/pose_buffer.h"

namespace reenact {
namespace {

/// The numbers of the pose, without the place behind it.
std::vector<float> values_of(GstBuffer* buffer) {
  std::vector<float> values(
      std::min<std::size_t>(test_pose_size, gst_buffer_get_size(buffer) / sizeof(float)));
  gst_buffer_extract(buffer, 0, values.data(), values.size() * sizeof(float));
  return values;
}

/// A pose that moves a little from number to number.
std::vector<float> moving_pose(int number) {
  std::vector<float> pose(test_pose_size);
  for (int i = 0; i < test_pose_size; ++i) pose[std::size_t(i)] = float(std::sin(0.1 * number + i));
  return pose;
}

GstBuffer* pose_buffer(int number) {
  GstBuffer* buffer = new_pose(0, number);
  const auto pose = moving_pose(number);
  gst_buffer_fill(buffer, 0, pose.data(), pose.size() * sizeof(float));
  const GstVideoInfo info = info_of({640, 480});
  FaceMeta* meta = add_face_meta(buffer, nullptr, &info);
  meta->crop = {100 + number, 50, 200, 200};
  meta->track_id = 3;
  meta->flags = face_detected;
  return buffer;
}

class PoseCodecTest : public ElementTest {
 protected:
  void connect(const std::string& encoder = "basis=plain", const std::string& decoder = "basis=plain") {
    encoder_element_ = make("reenactposeenc", encoder);
    encoder_.reset(gst_harness_new_with_element(encoder_element_.get(), "sink", "src"));
    gst_harness_set_src_caps_str(encoder_.get(), pose_caps_string().c_str());
    decoder_element_ = make("reenactposedec", decoder);
    decoder_.reset(gst_harness_new_with_element(decoder_element_.get(), "sink", "src"));
    gst_harness_set_sink_caps_str(decoder_.get(), "other/tensors, num_tensors=(int)1");
    gst_harness_set_src_caps_str(
        decoder_.get(),
        ("application/x-reenact-pose, version=1, framerate=25/1, pose-size=" + std::to_string(test_pose_size))
            .c_str());
  }
  Owned<GstBuffer> packet(GstBuffer* pose) {
    return Owned<GstBuffer>(gst_harness_push_and_pull(encoder_.get(), pose));
  }
  /// What the decoder gave out since it was asked last.
  std::vector<Owned<GstBuffer>> decoded() {
    std::vector<Owned<GstBuffer>> buffers;
    while (GstBuffer* buffer = gst_harness_try_pull(decoder_.get())) buffers.emplace_back(buffer);
    return buffers;
  }
  guint64 count(const char* name) {
    guint64 value = 0;
    g_object_get(decoder_element_.get(), name, &value, nullptr);
    return value;
  }

  Owned<GstElement> encoder_element_, decoder_element_;
  Owned<GstHarness> encoder_, decoder_;
};

TEST_F(PoseCodecTest, PosesTimesAndPlacesArrive) {
  connect();
  for (int i = 0; i < 40; ++i) {
    Owned<GstBuffer> coded = packet(pose_buffer(i));
    ASSERT_TRUE(coded);
    EXPECT_LT(gst_buffer_get_size(coded.get()), 48u);
    EXPECT_EQ(GST_BUFFER_FLAG_IS_SET(coded.get(), GST_BUFFER_FLAG_DELTA_UNIT), i % 5 != 0);
    gst_harness_push(decoder_.get(), coded.release());
    const auto buffers = decoded();
    ASSERT_EQ(buffers.size(), 1u);
    GstBuffer* out = buffers[0].get();
    EXPECT_EQ(GST_BUFFER_PTS(out), frame_duration * GstClockTime(i));
    EXPECT_EQ(GST_BUFFER_DURATION(out), frame_duration);
    const auto wanted = moving_pose(i), got = values_of(out);
    for (std::size_t k = 0; k < wanted.size(); ++k) EXPECT_NEAR(got[k], wanted[k], 0.025) << i << " " << k;
    const FaceMeta* meta = get_face_meta(out);
    ASSERT_TRUE(meta);
    EXPECT_EQ(meta->crop, cv::Rect(100 + i, 50, 200, 200));
    EXPECT_EQ(frame_size(*meta), cv::Size(640, 480));
    EXPECT_EQ(meta->track_id, 3u);
    EXPECT_EQ(meta->flags, guint(face_detected));
  }
  Owned<GstCaps> caps(gst_pad_get_current_caps(decoder_->sinkpad)),
      wanted(gst_caps_from_string(pose_caps_string().c_str()));
  EXPECT_TRUE(gst_caps_is_equal(caps.get(), wanted.get()));
}

TEST_F(PoseCodecTest, LostPosesAreMadeUpOnTheWayToTheNext) {
  connect();
  for (int i = 0; i < 12; ++i) {
    Owned<GstBuffer> coded = packet(pose_buffer(i));
    if (i == 3 || i == 4) continue;
    gst_harness_push(decoder_.get(), coded.release());
  }
  const auto buffers = decoded();
  ASSERT_EQ(buffers.size(), 12u);
  for (int i = 0; i < 12; ++i) {
    GstBuffer* out = buffers[std::size_t(i)].get();
    EXPECT_EQ(GST_BUFFER_PTS(out), frame_duration * GstClockTime(i)) << i;
    EXPECT_EQ(get_face_meta(out)->crop.x, 100 + i) << i;
    EXPECT_EQ((get_face_meta(out)->flags & face_held) != 0, i == 3 || i == 4) << i;
    const auto wanted = moving_pose(i), got = values_of(out);
    for (std::size_t k = 0; k < wanted.size(); ++k) EXPECT_NEAR(got[k], wanted[k], 0.05) << i << " " << k;
  }
  EXPECT_EQ(count("decoded"), 10u);
  EXPECT_EQ(count("lost"), 2u);
  EXPECT_EQ(count("concealed"), 2u);
}

TEST_F(PoseCodecTest, NothingIsMadeUpWhereThatIsSwitchedOff) {
  connect("basis=plain", "basis=plain conceal=0");
  for (int i = 0; i < 8; ++i) {
    Owned<GstBuffer> coded = packet(pose_buffer(i));
    if (i != 3) gst_harness_push(decoder_.get(), coded.release());
  }
  EXPECT_EQ(decoded().size(), 7u);
  EXPECT_EQ(count("lost"), 1u);
  EXPECT_EQ(count("concealed"), 0u);
}

TEST_F(PoseCodecTest, TheJitterBuffersGapsGiveWayToPosesMadeUp) {
  connect();
  const auto gaps = [this] {
    int seen = 0;
    while (GstEvent* event = gst_harness_try_pull_event(decoder_.get())) {
      seen += GST_EVENT_TYPE(event) == GST_EVENT_GAP;
      gst_event_unref(event);
    }
    return seen;
  };
  gst_harness_push(decoder_.get(), packet(pose_buffer(0)).release());
  gst_harness_push_event(decoder_.get(), gst_event_new_gap(frame_duration, frame_duration));
  EXPECT_EQ(gaps(), 0);
  g_object_set(decoder_element_.get(), "conceal", 0u, nullptr);
  gst_harness_push_event(decoder_.get(), gst_event_new_gap(frame_duration, frame_duration));
  EXPECT_EQ(gaps(), 1);
}

TEST_F(PoseCodecTest, NobodyStaysNobody) {
  connect();
  gst_harness_push(decoder_.get(), packet(pose_buffer(0)).release());
  GstBuffer* gap = pose_buffer(1);
  GST_BUFFER_FLAG_SET(gap, GST_BUFFER_FLAG_GAP);
  get_face_meta(gap)->flags = face_missing;
  gst_harness_push(decoder_.get(), packet(gap).release());
  gst_harness_push(decoder_.get(), packet(pose_buffer(2)).release());
  const auto buffers = decoded();
  ASSERT_EQ(buffers.size(), 3u);
  EXPECT_FALSE(is_faceless(buffers[0].get()));
  EXPECT_TRUE(is_faceless(buffers[1].get()));
  EXPECT_FALSE(is_faceless(buffers[2].get()));
}

TEST_F(PoseCodecTest, AReceiverThatComesLateBeginsAtAKeyFrame) {
  connect("basis=plain key-interval=10");
  for (int i = 0; i < 15; ++i) {
    Owned<GstBuffer> coded = packet(pose_buffer(i));
    if (i >= 4) gst_harness_push(decoder_.get(), coded.release());
  }
  const auto buffers = decoded();
  ASSERT_EQ(buffers.size(), 5u);
  EXPECT_EQ(GST_BUFFER_PTS(buffers[0].get()), 10 * frame_duration);
}

TEST_F(PoseCodecTest, KeyFramesComeWhenAskedFor) {
  connect("basis=plain key-interval=100");
  const auto is_key = [this](int number) {
    return !GST_BUFFER_FLAG_IS_SET(packet(pose_buffer(number)).get(), GST_BUFFER_FLAG_DELTA_UNIT);
  };
  EXPECT_TRUE(is_key(0));
  EXPECT_FALSE(is_key(1));
  g_signal_emit_by_name(encoder_element_.get(), "request-key-frame");
  EXPECT_TRUE(is_key(2));
  EXPECT_FALSE(is_key(3));
  gst_harness_push_upstream_event(
      encoder_.get(),
      gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty("GstForceKeyUnit")));
  EXPECT_TRUE(is_key(4));
}

TEST_F(PoseCodecTest, DamagedPacketsWarnAndTheStreamGoesOn) {
  connect();
  gst_harness_push(decoder_.get(), packet(pose_buffer(0)).release());
  Owned<GstBuffer> coded = packet(pose_buffer(1));
  gst_buffer_resize(coded.get(), 0, 2);
  EXPECT_EQ(gst_harness_push(decoder_.get(), coded.release()), GST_FLOW_OK);
  EXPECT_TRUE(message(GST_MESSAGE_WARNING));
  gst_harness_push(decoder_.get(), packet(pose_buffer(2)).release());
  EXPECT_EQ(decoded().size(), 3u) << "the one that was damaged is made up";
  EXPECT_EQ(error_text(), "");
}

/// A reenactor with a last layer of the pose encoder, of rank two.
void write_reenactor(const std::filesystem::path& path, float first) {
  constexpr int features = 20;
  std::vector<float> weight(test_pose_size * features);
  for (int row = 0; row < test_pose_size; ++row) {
    for (int column = 0; column < features; ++column)
      weight[std::size_t(row * features + column)] =
          first * float(std::sin(row) * std::cos(column)) + float(std::cos(row) * std::sin(column));
  }
  ModelInfo info;
  info.kind = ModelKind::reenactor;
  write_safetensors(path,
                    {{"pose.classifier.1.weight",
                      {DataType::f32, {test_pose_size, features}, std::as_bytes(std::span(weight))}}},
                    to_metadata(info));
}

TEST_F(PoseCodecTest, AModelsBasisWorksWhereBothEndsHaveIt) {
  write_reenactor(folder() / "one.safetensors", 2);
  write_reenactor(folder() / "other.safetensors", 3);
  connect("model-file=one.safetensors", "model-file=one.safetensors");
  gst_harness_push(decoder_.get(), packet(pose_buffer(7)).release());
  const auto buffers = decoded();
  ASSERT_EQ(buffers.size(), 1u);
  const auto wanted = moving_pose(7), got = values_of(buffers[0].get());
  for (std::size_t k = 0; k < wanted.size(); ++k) EXPECT_NEAR(got[k], wanted[k], 0.1);

  connect("model-file=one.safetensors", "model-file=other.safetensors");
  EXPECT_EQ(gst_harness_push(decoder_.get(), packet(pose_buffer(7)).release()), GST_FLOW_ERROR);
  EXPECT_NE(error_text().find("basis"), std::string::npos);
}

TEST_F(PoseCodecTest, AModelWithoutAPoseEncoderIsAnErrorThatNamesIt) {
  connect("model-file=reenactor.safetensors");
  EXPECT_NE(gst_harness_push(encoder_.get(), pose_buffer(0)), GST_FLOW_OK);
  EXPECT_NE(error_text().find("pose.classifier.1.weight"), std::string::npos);
}

std::shared_ptr<const Identity> someone() {
  Identity identity;
  identity.name = "Someone";
  identity.embedding = {1, 0, 0.5f, 0};
  return std::make_shared<const Identity>(identity);
}

TEST_F(PoseCodecTest, TheIdentityGoesAheadWhereAskedFor) {
  connect("basis=plain send-identity=true");
  gst_harness_push_event(encoder_.get(), new_identity_event(someone()));
  gst_harness_push(encoder_.get(), pose_buffer(0));
  gst_harness_push(encoder_.get(), pose_buffer(1));
  ASSERT_EQ(gst_harness_buffers_in_queue(encoder_.get()), 3u);
  Owned<GstBuffer> ahead(gst_harness_pull(encoder_.get()));
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(ahead.get(), GST_BUFFER_FLAG_HEADER));
  EXPECT_EQ(GST_BUFFER_PTS(ahead.get()), 0u);
  gst_harness_push(decoder_.get(), ahead.release());
  gst_harness_push(decoder_.get(), gst_harness_pull(encoder_.get()));
  EXPECT_EQ(decoded().size(), 1u);
  std::shared_ptr<const Identity> got;
  while (GstEvent* event = gst_harness_try_pull_event(decoder_.get())) {
    std::shared_ptr<const Identity> identity;
    if (parse_identity_event(event, identity)) got = identity;
    gst_event_unref(event);
  }
  ASSERT_TRUE(got);
  EXPECT_EQ(got->name, "Someone");
  EXPECT_EQ(got->embedding, someone()->embedding);
}

TEST_F(PoseCodecTest, TheIdentityIsRepeatedForThoseWhoComeLate) {
  connect("basis=plain send-identity=true identity-interval=0.2");
  gst_harness_push_event(encoder_.get(), new_identity_event(someone()));
  int headers = 0;
  for (int i = 0; i < 16; ++i) gst_harness_push(encoder_.get(), pose_buffer(i));
  while (GstBuffer* buffer = gst_harness_try_pull(encoder_.get())) {
    headers += GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_HEADER);
    gst_buffer_unref(buffer);
  }
  EXPECT_EQ(headers, 4) << "at 0, 0.2, 0.4 and 0.6 s";
}

TEST_F(PoseCodecTest, NobodysIdentityIsSentUnlessAskedFor) {
  connect();
  gst_harness_push_event(encoder_.get(), new_identity_event(someone()));
  gst_harness_push(encoder_.get(), pose_buffer(0));
  EXPECT_EQ(gst_harness_buffers_in_queue(encoder_.get()), 1u);
}

TEST_F(PoseCodecTest, RtpJitterBufferTakesItAndLossIsConcealed) {
  for (const char* name : {"rtpgstpay", "rtpjitterbuffer", "rtpgstdepay"}) {
    Owned<GstElementFactory> factory(gst_element_factory_find(name));
    if (!factory) GTEST_SKIP() << name << " is not installed";
  }
  GError* error = nullptr;
  Owned<GstElement> pipeline(gst_parse_launch(
      ("appsrc name=in is-live=true format=time caps=\"" + pose_caps_string() +
       "\" ! reenactposeenc basis=plain ! rtpgstpay config-interval=1 ! identity name=line "
       "! rtpjitterbuffer latency=30 do-lost=true ! rtpgstdepay ! reenactposedec name=dec basis=plain "
       "! appsink name=out sync=false wait-on-eos=false")
          .c_str(),
      &error));
  ASSERT_TRUE(pipeline) << error->message;
  Owned<GstElement> in(gst_bin_get_by_name(GST_BIN(pipeline.get()), "in")),
      line(gst_bin_get_by_name(GST_BIN(pipeline.get()), "line")),
      out(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  constexpr int frames = 30;
  std::vector<Owned<GstBuffer>> poses;
  std::vector<Owned<GstBuffer>> received;
  for (int i = 0; i < frames; ++i) {
    // One in six is lost on the line, never the first, which carries the caps, nor the last.
    g_object_set(line.get(), "drop-probability", i % 6 == 3 ? 1.0 : 0.0, nullptr);
    GstFlowReturn flow = GST_FLOW_ERROR;
    g_signal_emit_by_name(in.get(), "push-buffer", Owned<GstBuffer>(pose_buffer(i)).get(), &flow);
    ASSERT_EQ(flow, GST_FLOW_OK);
    g_usleep(10000);
  }
  while (received.size() < frames) {
    GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(out.get()), 3 * GST_SECOND);
    if (!sample) break;
    received.emplace_back(gst_buffer_ref(gst_sample_get_buffer(sample)));
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  ASSERT_EQ(received.size(), std::size_t(frames));
  // A lost pose's own motion, at most 0.1 for a number, is missing until the next key frame.
  for (int i = 0; i < frames; ++i) {
    const auto wanted = moving_pose(i), got = values_of(received[std::size_t(i)].get());
    for (std::size_t k = 0; k < wanted.size(); ++k) EXPECT_NEAR(got[k], wanted[k], 0.15) << i << " " << k;
  }
}

}  // namespace
}  // namespace reenact
