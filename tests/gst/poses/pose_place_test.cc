// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a face lay goes with its pose through whatever carries numbers and no metas.
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "../element_test.h"
#include "reenact/pose_track.h"
#include "stream/face_meta.h"
#include "stream/face_place.h"
#include "stream/pose_buffer.h"

namespace reenact {
namespace {

std::string placed_caps_string() {
  return "other/tensors, format=(string)static, num_tensors=(int)2, types=(string)\"float32,float32\", "
         "dimensions=(string)\"" +
         std::to_string(test_pose_size) + ":1:1:1,20:1:1:1\", framerate=(fraction)25/1";
}

/// A pose with a face meta and the same behind it as a place.
GstBuffer* placed_pose(float value, int number, guint flags = face_detected) {
  GstBuffer* buffer = new_pose(value, number);
  GstVideoInfo info = info_of({320, 240});
  GST_VIDEO_INFO_PAR_N(&info) = 16;
  GST_VIDEO_INFO_PAR_D(&info) = 11;
  FaceMeta* meta = add_face_meta(buffer, nullptr, &info);
  meta->crop = {60 + number, -3, 90, 81};
  meta->box = {80, 10, 130.5f, 61.25f, 0.75f};
  meta->track_id = 7;
  meta->flags = flags;
  meta->largest_face = 99;
  set_place(buffer, test_pose_size);
  return buffer;
}

/// What a socket leaves of a buffer: its bytes in one piece, times and flags.
GstBuffer* after_the_wire(GstBuffer* buffer) {
  const gsize size = gst_buffer_get_size(buffer);
  std::vector<std::uint8_t> bytes(size);
  gst_buffer_extract(buffer, 0, bytes.data(), size);
  GstBuffer* bare = gst_buffer_new_allocate(nullptr, size, nullptr);
  gst_buffer_fill(bare, 0, bytes.data(), size);
  gst_buffer_copy_into(bare, buffer, GstBufferCopyFlags(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS),
                       0, gsize(-1));
  gst_buffer_unref(buffer);
  return bare;
}

void expect_the_same(const FaceMeta& found, const FaceMeta& wanted) {
  EXPECT_EQ(found.crop, wanted.crop);
  EXPECT_EQ(found.flags, wanted.flags);
  EXPECT_EQ(found.track_id, wanted.track_id);
  EXPECT_EQ(found.largest_face, wanted.largest_face);
  EXPECT_EQ(found.box.left, wanted.box.left);
  EXPECT_EQ(found.box.bottom, wanted.box.bottom);
  EXPECT_EQ(found.box.score, wanted.box.score);
  EXPECT_EQ(frame_size(found), frame_size(wanted));
  EXPECT_EQ(GST_VIDEO_INFO_PAR_N(&found.frame_info), GST_VIDEO_INFO_PAR_N(&wanted.frame_info));
  EXPECT_EQ(GST_VIDEO_INFO_PAR_D(&found.frame_info), GST_VIDEO_INFO_PAR_D(&wanted.frame_info));
}

class PosePlaceTest : public ElementTest {
 protected:
  Owned<GstHarness> harness(const std::string& factory, const std::string& properties,
                            const std::string& caps) {
    element_ = make(factory, properties);
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
    gst_harness_set_src_caps_str(h.get(), caps.c_str());
    return h;
  }
  static bool has_element(const char* name) {
    const Owned<GstElementFactory> factory(gst_element_factory_find(name));
    return factory.get();
  }

  static constexpr int frames_ = 9;
  static void push_scenes(GstElement* source) {
    for (int i = 0; i < frames_; ++i) {
      const cv::Rect face(40 + 4 * i, 30 + i, 30, 36);
      gst_app_src_push_buffer(GST_APP_SRC(source),
                              new_frame(i < 6 ? scene(160, 120, face) : scene(160, 120), i));
    }
    gst_app_src_end_of_stream(GST_APP_SRC(source));
  }
  static std::string source() { return "appsrc name=in format=time caps=\"" + rgb_caps(160, 120) + "\" "; }
  /// What draws heads of poses.
  static std::string drawing() {
    return "reenactidentity identity-file=red.safetensors ! reenactgenerator device=cuda ! reenactcompositor "
           "background=color ! video/x-raw,format=RGB ! appsink name=out sync=false wait-on-eos=false ";
  }
  static Owned<GstElement> child(const Owned<GstElement>& pipeline, const char* name) {
    return Owned<GstElement>(gst_bin_get_by_name(GST_BIN(pipeline.get()), name));
  }
  static Owned<GstElement> launched(const std::string& description) {
    GError* error = nullptr;
    Owned<GstElement> pipeline(gst_parse_launch(description.c_str(), &error));
    EXPECT_FALSE(error) << error->message;
    g_clear_error(&error);
    return pipeline;
  }
  /// All pictures until the end; `ending` makes it come after so many, where nothing else does.
  static std::vector<cv::Mat> pictures_of(const Owned<GstElement>& pipeline, std::size_t many = 0,
                                          const std::function<void()>& ending = {}) {
    const Owned<GstElement> out = child(pipeline, "out");
    std::vector<cv::Mat> pictures;
    while (GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(out.get()), 20 * GST_SECOND)) {
      pictures.push_back(picture_of(gst_sample_get_buffer(sample), gst_sample_get_caps(sample)));
      gst_sample_unref(sample);
      if (pictures.size() == many) ending();
    }
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    return pictures;
  }
  static std::vector<cv::Mat> drawn(const std::string& description) {
    const Owned<GstElement> pipeline = launched(description);
    const Owned<GstElement> in = child(pipeline, "in");
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    push_scenes(in.get());
    return pictures_of(pipeline);
  }
  static std::vector<cv::Mat> drawn_here() {
    return drawn(source() + "! reenactcrop device=cuda ! reenactpose device=cuda ! " + drawing());
  }
  static void expect_the_same(const std::vector<cv::Mat>& found, const std::vector<cv::Mat>& wanted) {
    ASSERT_EQ(found.size(), wanted.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i].size(), wanted[i].size()) << "picture " << i;
      EXPECT_EQ(cv::norm(found[i], wanted[i], cv::NORM_INF), 0) << "picture " << i;
    }
  }
  Owned<GstElement> element_;
};

TEST_F(PosePlaceTest, SaysWhatTheMetaSaid) {
  const Owned<GstBuffer> sent(placed_pose(0.5f, 3)), bare(after_the_wire(gst_buffer_copy(sent.get())));
  ASSERT_FALSE(get_face_meta(bare.get()));
  add_face_meta_of_place(bare.get(), test_pose_size, bare.get());
  ASSERT_TRUE(get_face_meta(bare.get()));
  reenact::expect_the_same(*get_face_meta(bare.get()), *get_face_meta(sent.get()));
  EXPECT_FLOAT_EQ(MappedPose(bare.get(), test_pose_size, GST_MAP_READ).values()[0], 0.5f);
}

TEST_F(PosePlaceTest, NumbersThatMakeNoSenseAreNoPlace) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto& [index, value] : std::vector<std::pair<int, float>>{{0, 0},
                                                                       {0, 2},
                                                                       {1, 64},
                                                                       {2, -1},
                                                                       {3, 1e9f},
                                                                       {3, nan},
                                                                       {5, -4},
                                                                       {7, 1e6f},
                                                                       {8, 3.5f},
                                                                       {10, 0},
                                                                       {12, nan},
                                                                       {15, 1e30f}}) {
    const Owned<GstBuffer> bare(after_the_wire(placed_pose(0.5f, 3)));
    gst_buffer_fill(bare.get(), gsize(test_pose_size + index) * sizeof(float), &value, sizeof(value));
    add_face_meta_of_place(bare.get(), test_pose_size, bare.get());
    EXPECT_FALSE(get_face_meta(bare.get())) << "number " << index << " is " << value;
  }
}

TEST_F(PosePlaceTest, AMetaThatIsThereCountsMore) {
  const Owned<GstBuffer> pose(placed_pose(0.5f, 3));
  get_face_meta(pose.get())->track_id = 12;
  add_face_meta_of_place(pose.get(), test_pose_size, pose.get());
  EXPECT_EQ(get_face_meta(pose.get())->track_id, 12u);
}

TEST_F(PosePlaceTest, ComesOutOfThePoseEncoderAndNotWhereOneTensorIsWanted) {
  for (const bool one : {false, true}) {
    element_ = make("reenactpose");
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
    if (one) gst_harness_set_sink_caps_str(h.get(), "other/tensors, num_tensors=(int)1");
    gst_harness_set_src_caps_str(h.get(), rgb_caps(test_image_size, test_image_size).c_str());
    GstBuffer* crop = new_frame(cv::Mat(test_image_size, test_image_size, CV_8UC3, cv::Scalar(51, 0, 0)), 7);
    const GstVideoInfo info = info_of({320, 240});
    add_face_meta(crop, nullptr, &info)->crop = {5, 6, 70, 80};
    const Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), crop));
    ASSERT_TRUE(out);
    const Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
    const Owned<GstCaps> wanted(
        gst_caps_from_string((one ? pose_caps_string() : placed_caps_string()).c_str()));
    EXPECT_TRUE(gst_caps_is_equal(caps.get(), wanted.get()));
    EXPECT_EQ(have_places(caps.get()), !one);
    EXPECT_EQ(pose_size_of_caps(caps.get()), test_pose_size);
    EXPECT_EQ(gst_buffer_n_memory(out.get()), one ? 1u : 2u) << "a memory for each tensor";
    EXPECT_EQ(gst_buffer_get_size(out.get()), (test_pose_size + (one ? 0 : place_size)) * sizeof(float));
    EXPECT_FLOAT_EQ(first_value(out.get()), 0.2f);
  }
}

TEST_F(PosePlaceTest, ReachesTheHeadThatIsDrawnFromABarePose) {
  Owned<GstElement> chain(gst_parse_bin_from_description(
      "reenactidentity identity-file=red.safetensors ! reenactgenerator device=cuda", TRUE, nullptr));
  gst_object_ref_sink(chain.get());
  Owned<GstHarness> h(gst_harness_new_with_element(chain.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), placed_caps_string().c_str());
  const Owned<GstBuffer> sent(placed_pose(0.5f, 3, face_missing | face_held));
  const Owned<GstBuffer> head(
      gst_harness_push_and_pull(h.get(), after_the_wire(gst_buffer_copy(sent.get()))));
  ASSERT_TRUE(head && get_face_meta(head.get()));
  reenact::expect_the_same(*get_face_meta(head.get()), *get_face_meta(sent.get()));
}

TEST_F(PosePlaceTest, APoseOfAFrameWithoutAFaceDrawsNoHead) {
  Owned<GstElement> chain(gst_parse_bin_from_description(
      "reenactidentity identity-file=red.safetensors ! reenactgenerator device=cuda", TRUE, nullptr));
  gst_object_ref_sink(chain.get());
  Owned<GstHarness> h(gst_harness_new_with_element(chain.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), placed_caps_string().c_str());
  const Owned<GstBuffer> head(
      gst_harness_push_and_pull(h.get(), after_the_wire(placed_pose(0.5f, 3, face_missing))));
  ASSERT_TRUE(head);
  EXPECT_TRUE(is_faceless(head.get())) << "the place says so, the flags of the buffer do not";
  const Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
  EXPECT_EQ(cv::norm(picture_of(head.get(), caps.get()), cv::NORM_INF), 0);
}

TEST_F(PosePlaceTest, ThroughGdpTheHeadIsWhereItIsWithout) {
  if (!has_element("gdppay")) GTEST_SKIP() << "gdppay is not installed";
  const auto there = drawn(
      source() + "! reenactcrop device=cuda ! reenactpose device=cuda ! gdppay ! gdpdepay ! " + drawing());
  ASSERT_EQ(there.size(), std::size_t(frames_));
  EXPECT_EQ(there.front().size(), cv::Size(160, 120)) << "of the driver's frame, and not of the head";
  expect_the_same(there, drawn_here());
}

TEST_F(PosePlaceTest, ThroughATcpSocketTheHeadIsWhereItIsWithout) {
  if (!has_element("gdppay") || !has_element("tcpserversink"))
    GTEST_SKIP() << "gdppay or tcpserversink is not installed";
  const Owned<GstElement> sender =
      launched(source() +
               "! reenactcrop device=cuda ! reenactpose device=cuda ! gdppay ! tcpserversink name=out "
               "host=127.0.0.1 port=0 sync=false");
  const Owned<GstElement> in = child(sender, "in"), server = child(sender, "out");
  gst_element_set_state(sender.get(), GST_STATE_PLAYING);
  int port = 0, clients = 0;
  for (int tries = 0; port <= 0 && tries < 500; ++tries) {
    g_object_get(server.get(), "current-port", &port, nullptr);
    g_usleep(10000);
  }
  ASSERT_GT(port, 0);
  const Owned<GstElement> receiver =
      launched("tcpclientsrc host=127.0.0.1 port=" + std::to_string(port) + " ! gdpdepay ! " + drawing());
  gst_element_set_state(receiver.get(), GST_STATE_PLAYING);
  for (int tries = 0; clients == 0 && tries < 1000; ++tries) {
    g_object_get(server.get(), "num-handles", &clients, nullptr);
    g_usleep(10000);
  }
  ASSERT_EQ(clients, 1);
  const auto here = drawn_here();
  push_scenes(in.get());
  // A server keeps its clients when its stream has ended.
  const auto there =
      pictures_of(receiver, here.size(), [&] { gst_element_set_state(sender.get(), GST_STATE_NULL); });
  gst_element_set_state(sender.get(), GST_STATE_NULL);
  expect_the_same(there, here);
}

TEST_F(PosePlaceTest, PosesOfOldStreamsHaveNoneAndAreDrawnAsBefore) {
  const auto old = drawn(source() +
                         "! reenactcrop device=cuda ! reenactpose device=cuda ! "
                         "other/tensors,num_tensors=1 ! gdppay ! gdpdepay ! " +
                         drawing());
  ASSERT_EQ(old.size(), std::size_t(frames_));
  EXPECT_EQ(old.front().size(), cv::Size(test_image_size, test_image_size));
}

TEST_F(PosePlaceTest, ARecordingBehindASocketHasPlaces) {
  const std::string file = (folder() / "behind-a-socket.safetensors").string();
  const Owned<GstElement> pipeline =
      launched(source() +
               "! reenactcrop device=cuda ! reenactpose device=cuda ! gdppay ! gdpdepay ! "
               "reenactposesink location=" +
               file);
  const Owned<GstElement> in = child(pipeline, "in");
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  push_scenes(in.get());
  GstBus* own_bus = gst_element_get_bus(pipeline.get());
  const Owned<GstMessage> end(gst_bus_timed_pop_filtered(own_bus, 20 * GST_SECOND, GST_MESSAGE_EOS));
  gst_object_unref(own_bus);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  ASSERT_TRUE(end);
  const PoseTrack track = load_pose_track(file);
  ASSERT_EQ(track.placements.size(), std::size_t(frames_));
  EXPECT_EQ(track.placements[0].frame, cv::Size(160, 120));
  EXPECT_TRUE(track.placements[5].found);
  EXPECT_FALSE(track.placements[8].found);
}

TEST_F(PosePlaceTest, ATrackPlaysItsPlacesIntoASocket) {
  PoseTrack track;
  for (int i = 0; i < 4; ++i) {
    track.poses.emplace_back(test_pose_size, 0.1f);
    track.timestamps.push_back(std::int64_t(frame_duration) * i);
    track.placements.push_back({{10 * i, 5, 100, 100}, {640, 480}, true});
  }
  const std::string file = (folder() / "into-a-socket.safetensors").string();
  save_pose_track(file, track);
  element_ = make("reenactposesrc", "location=" + file);
  Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), nullptr, "src"));
  gst_harness_play(h.get());
  for (int i = 0; i < 4; ++i) {
    const Owned<GstBuffer> bare(after_the_wire(gst_harness_pull(h.get())));
    add_face_meta_of_place(bare.get(), test_pose_size, bare.get());
    ASSERT_TRUE(get_face_meta(bare.get()));
    EXPECT_EQ(get_face_meta(bare.get())->crop, cv::Rect(10 * i, 5, 100, 100));
  }
}

TEST_F(PosePlaceTest, AFilterMovesThemAlongWithThePoses) {
  auto h = harness("reenactposefilter", "strength=0.5", placed_caps_string());
  gst_harness_set_sink_caps_str(h.get(), "other/tensors, framerate=(fraction)50/1");
  for (int i = 0; i < 3; ++i) gst_harness_push(h.get(), after_the_wire(placed_pose(float(i), i)));
  int halfway = 0;
  for (int i = 0; i < 5; ++i) {
    const Owned<GstBuffer> bare(after_the_wire(gst_harness_pull(h.get())));
    EXPECT_EQ(gst_buffer_get_size(bare.get()), (test_pose_size + place_size) * sizeof(float));
    add_face_meta_of_place(bare.get(), test_pose_size, bare.get());
    ASSERT_TRUE(get_face_meta(bare.get())) << i;
    EXPECT_NEAR(get_face_meta(bare.get())->crop.x, 60 + i / 2.0, 0.51);
    halfway += i % 2;
  }
  EXPECT_EQ(halfway, 2);
}

TEST_F(PosePlaceTest, TheCodecTakesThemFromBarePosesAndGivesThemOutAgain) {
  auto encoder = harness("reenactposeenc", "basis=plain", placed_caps_string());
  const Owned<GstBuffer> packet(
      gst_harness_push_and_pull(encoder.get(), after_the_wire(placed_pose(0.5f, 3))));
  ASSERT_TRUE(packet);
  const Owned<GstCaps> coded(gst_pad_get_current_caps(encoder->sinkpad));
  const auto decoder_element = make("reenactposedec", "basis=plain");
  Owned<GstHarness> decoder(gst_harness_new_with_element(decoder_element.get(), "sink", "src"));
  gst_harness_set_src_caps(decoder.get(), gst_caps_ref(coded.get()));
  const Owned<GstBuffer> bare(
      after_the_wire(gst_harness_push_and_pull(decoder.get(), gst_buffer_ref(packet.get()))));
  add_face_meta_of_place(bare.get(), test_pose_size, bare.get());
  ASSERT_TRUE(get_face_meta(bare.get()));
  EXPECT_EQ(get_face_meta(bare.get())->crop, cv::Rect(63, -3, 90, 81));
  EXPECT_EQ(frame_size(*get_face_meta(bare.get())), cv::Size(320, 240));
}

TEST_F(PosePlaceTest, ABufferOfAnotherSizeIsRefused) {
  for (const int extra : {1, 19, 21}) {
    const Owned<GstBuffer> pose(new_pose(0, 0, test_pose_size + extra));
    EXPECT_ANY_THROW(MappedPose(pose.get(), test_pose_size, GST_MAP_READ)) << extra;
  }
}

}  // namespace
}  // namespace reenact
