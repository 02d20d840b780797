// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/pose_track.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include <fstream>
#include <vector>

#include "../element_test.h"
#include "stream/face_meta.h"

namespace reenact {
namespace {

/// Tracks of the elements, which end up in one folder.
class PoseTrackElementsTest : public ElementTest {
 protected:
  static std::string file(const std::string& name) { return (folder() / name).string(); }

  /// A track whose pose n begins with the number n + 1, 25 a second.
  static std::string write_track(const std::string& name, int count, bool placed = true) {
    PoseTrack track;
    for (int i = 0; i < count; ++i) {
      track.poses.emplace_back(test_pose_size, 0.0f);
      track.poses.back()[0] = float(i + 1);
      track.timestamps.push_back(std::int64_t(frame_duration) * i);
      if (placed) track.placements.push_back({{10 * i, 5, 100, 100}, {640, 480}, true});
    }
    save_pose_track(file(name), track);
    return file(name);
  }

  Owned<GstHarness> source(const std::string& properties) {
    element_ = make("reenactposesrc", properties);
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), nullptr, "src"));
    gst_harness_set_sink_caps_str(h.get(), "other/tensors, num_tensors=(int)1");
    return h;
  }
  /// Poses from the source until `count` came or the stream ended.
  static std::vector<Owned<GstBuffer>> pull(GstHarness* h, int count) {
    std::vector<Owned<GstBuffer>> buffers;
    while (int(buffers.size()) < count) {
      GstBuffer* buffer = gst_harness_pull(h);
      if (!buffer) break;
      buffers.emplace_back(buffer);
    }
    return buffers;
  }
  Owned<GstHarness> sink(const std::string& properties) {
    element_ = make("reenactposesink", properties);
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", nullptr));
    gst_harness_set_src_caps_str(h.get(), pose_caps_string().c_str());
    return h;
  }
  static GstBuffer* placed_pose(float value, int number, guint flags = face_detected) {
    GstBuffer* buffer = new_pose(value, number);
    const GstVideoInfo info = info_of({320, 240});
    FaceMeta* meta = add_face_meta(buffer, nullptr, &info);
    meta->crop = {number, -3, 90, 80};
    meta->flags = flags;
    if (flags == face_missing) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_GAP);
    return buffer;
  }
  /// Runs to the end; "" or the error's text.
  static std::string run(GstElement* pipeline) {
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstBus* bus = gst_element_get_bus(pipeline);
    Owned<GstMessage> end(gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND,
                                                     GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    gst_object_unref(bus);
    std::string text = end ? "" : "nothing happened for a minute";
    if (end && GST_MESSAGE_TYPE(end.get()) == GST_MESSAGE_ERROR) {
      GError* error = nullptr;
      gst_message_parse_error(end.get(), &error, nullptr);
      text = error->message;
      g_error_free(error);
    }
    return text;
  }
  Owned<GstElement> element_;
};

TEST_F(PoseTrackElementsTest, WhatIsRecordedIsInTheTrackBitForBit) {
  auto h = sink("location=" + file("recorded.safetensors") + " licence=CC0-1.0");
  for (int i = 0; i < 7; ++i)
    gst_harness_push(h.get(),
                     placed_pose(0.1f * float(i + 1), i, i == 4 ? face_missing | face_held : face_detected));
  gst_harness_push_event(h.get(), gst_event_new_eos());
  const PoseTrack track = load_pose_track(file("recorded.safetensors"));
  ASSERT_EQ(track.poses.size(), 7u);
  EXPECT_EQ(track.licence, "CC0-1.0");
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(track.poses[i][0], 0.1f * float(i + 1));
    EXPECT_EQ(track.timestamps[i], std::int64_t(frame_duration * i));
    EXPECT_EQ(track.placements[i], (FacePlacement{{int(i), -3, 90, 80}, {320, 240}, i != 4}));
  }
}

TEST_F(PoseTrackElementsTest, ARecordingThatIsStoppedIsWrittenToo) {
  {
    auto h = sink("location=" + file("stopped.safetensors"));
    gst_harness_push(h.get(), placed_pose(1, 0));
    gst_harness_push(h.get(), placed_pose(2, 1));
    gst_element_set_state(element_.get(), GST_STATE_NULL);
  }
  EXPECT_EQ(load_pose_track(file("stopped.safetensors")).poses.size(), 2u);
}

TEST_F(PoseTrackElementsTest, WhatComesAfterTheEndLeavesAFinishedRecordingAlone) {
  write_track("take-2.safetensors", 9);  // which the sink was not told of
  {
    auto h = sink("location=" + file("take.safetensors"));
    const auto record = [&](float value, int count) {
      for (int i = 0; i < count; ++i) gst_harness_push(h.get(), placed_pose(value, i));
      gst_harness_push_event(h.get(), gst_event_new_eos());
    };
    const auto seek_back = [&] {
      gst_harness_push_event(h.get(), gst_event_new_flush_start());
      gst_harness_push_event(h.get(), gst_event_new_flush_stop(TRUE));
      GstSegment segment;
      gst_segment_init(&segment, GST_FORMAT_TIME);
      gst_harness_push_event(h.get(), gst_event_new_segment(&segment));
    };
    record(1, 5);
    seek_back();
    EXPECT_EQ(load_pose_track(file("take.safetensors")).poses.size(), 5u);
    record(2, 3);
    seek_back();
    gst_harness_push(h.get(), placed_pose(3, 0));
    gst_element_set_state(element_.get(), GST_STATE_NULL);
  }
  const auto expect_take = [](const std::string& location, float value, std::size_t count) {
    ASSERT_TRUE(std::filesystem::exists(location)) << location;
    const PoseTrack track = load_pose_track(location);
    ASSERT_EQ(track.poses.size(), count) << location;
    EXPECT_EQ(track.poses[0][0], value) << location;
    EXPECT_EQ(track.timestamps.back(), std::int64_t(frame_duration * (count - 1))) << location;
  };
  expect_take(file("take.safetensors"), 1, 5);
  expect_take(file("take-2.safetensors"), 1, 9);
  expect_take(file("take-3.safetensors"), 2, 3);
  expect_take(file("take-4.safetensors"), 3, 1);
  for (const char* name : {"take.safetensors", "take-3.safetensors", "take-4.safetensors"}) {
    const auto told = message(GST_MESSAGE_ELEMENT);
    ASSERT_TRUE(told && gst_message_has_name(told.get(), "reenact-recorded"));
    EXPECT_EQ(gst_structure_get_string(gst_message_get_structure(told.get()), "location"), file(name));
  }
}

TEST_F(PoseTrackElementsTest, ANewStartWritesToItsLocationAgain) {
  element_ = make("reenactposesink", "location=" + file("again.safetensors"));
  for (const int count : {4, 2}) {
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", nullptr));
    gst_harness_set_src_caps_str(h.get(), pose_caps_string().c_str());
    gst_element_set_state(element_.get(), GST_STATE_PLAYING);
    for (int i = 0; i < count; ++i) gst_harness_push(h.get(), placed_pose(1, i));
    gst_harness_push_event(h.get(), gst_event_new_eos());
    gst_element_set_state(element_.get(), GST_STATE_NULL);
    EXPECT_EQ(load_pose_track(file("again.safetensors")).poses.size(), std::size_t(count));
  }
}

TEST_F(PoseTrackElementsTest, PosesWithoutPlacesMakeATrackWithoutPlaces) {
  auto h = sink("location=" + file("bare.safetensors"));
  gst_harness_push(h.get(), new_pose(1, 0));
  gst_harness_push(h.get(), placed_pose(2, 1));
  gst_harness_push_event(h.get(), gst_event_new_eos());
  const PoseTrack track = load_pose_track(file("bare.safetensors"));
  EXPECT_EQ(track.poses.size(), 2u);
  EXPECT_TRUE(track.placements.empty());
}

TEST_F(PoseTrackElementsTest, ASinkWithoutALocationDoesNotStart) {
  auto element = make("reenactposesink");
  EXPECT_EQ(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  EXPECT_NE(error_text().find("location"), std::string::npos);
  gst_element_set_state(element.get(), GST_STATE_NULL);
}

TEST_F(PoseTrackElementsTest, AFolderThatIsNotThereIsAnErrorAtTheEnd) {
  auto h = sink("location=" + file("absent/track.safetensors"));
  gst_harness_push(h.get(), placed_pose(1, 0));
  gst_harness_push_event(h.get(), gst_event_new_eos());
  EXPECT_NE(error_text().find("absent"), std::string::npos);
}

TEST_F(PoseTrackElementsTest, PlaysPosesTimesAndPlaces) {
  auto h = source("location=" + write_track("ten.safetensors", 10));
  gst_harness_play(h.get());
  const auto buffers = pull(h.get(), 10);
  ASSERT_EQ(buffers.size(), 10u);
  for (std::size_t i = 0; i < 10; ++i) {
    GstBuffer* buffer = buffers[i].get();
    EXPECT_EQ(first_value(buffer), float(i + 1));
    EXPECT_EQ(GST_BUFFER_PTS(buffer), frame_duration * i);
    EXPECT_EQ(GST_BUFFER_DURATION(buffer), frame_duration);
    ASSERT_TRUE(get_face_meta(buffer));
    EXPECT_EQ(get_face_meta(buffer)->crop, cv::Rect(10 * int(i), 5, 100, 100));
    EXPECT_EQ(frame_size(*get_face_meta(buffer)), cv::Size(640, 480));
  }
  Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad)),
      wanted(gst_caps_from_string(pose_caps_string().c_str()));
  EXPECT_TRUE(gst_caps_is_equal(caps.get(), wanted.get()));
  gint64 duration = 0;
  EXPECT_TRUE(gst_element_query_duration(element_.get(), GST_FORMAT_TIME, &duration));
  EXPECT_EQ(duration, gint64(10 * frame_duration));
}

TEST_F(PoseTrackElementsTest, ARoundFollowsTheOther) {
  auto h = source("loop=true location=" + write_track("three.safetensors", 3));
  gst_harness_play(h.get());
  const auto buffers = pull(h.get(), 8);
  ASSERT_EQ(buffers.size(), 8u);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(first_value(buffers[i].get()), float(i % 3 + 1));
    EXPECT_EQ(GST_BUFFER_PTS(buffers[i].get()), frame_duration * i);
  }
}

TEST_F(PoseTrackElementsTest, ARateMakesTimesShorterAndTheFramerateHigher) {
  auto h = source("rate=2 location=" + write_track("ten.safetensors", 10));
  gst_harness_play(h.get());
  const auto buffers = pull(h.get(), 10);
  ASSERT_EQ(buffers.size(), 10u);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(GST_BUFFER_PTS(buffers[i].get()), frame_duration * i / 2);
  Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
  int numerator = 0, denominator = 0;
  gst_structure_get_fraction(gst_caps_get_structure(caps.get(), 0), "framerate", &numerator, &denominator);
  EXPECT_EQ(numerator, 50 * denominator);
}

TEST_F(PoseTrackElementsTest, NobodyIsPlayedAsAGap) {
  const std::string location = file("gap.safetensors");
  {
    auto h = sink("location=" + location);
    gst_harness_push(h.get(), placed_pose(1, 0));
    gst_harness_push(h.get(), placed_pose(0, 1, face_missing));
    gst_harness_push(h.get(), placed_pose(3, 2));
    gst_harness_push_event(h.get(), gst_event_new_eos());
  }
  auto h = source("location=" + location);
  gst_harness_play(h.get());
  const auto buffers = pull(h.get(), 3);
  ASSERT_EQ(buffers.size(), 3u);
  EXPECT_FALSE(is_faceless(buffers[0].get()));
  EXPECT_TRUE(is_faceless(buffers[1].get()));
  EXPECT_FALSE(is_faceless(buffers[2].get()));
}

TEST_F(PoseTrackElementsTest, SeeksLandOnThePoseThatIsShownThen) {
  GError* error = nullptr;
  Owned<GstElement> pipeline(gst_parse_launch(
      ("reenactposesrc location=\"" + write_track("ten.safetensors", 10) + "\" ! appsink name=out sync=false")
          .c_str(),
      &error));
  ASSERT_TRUE(pipeline) << error->message;
  Owned<GstElement> out(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
  const auto values = [&](double rate, GstClockTime from, GstClockTime to) {
    EXPECT_TRUE(gst_element_seek(pipeline.get(), rate, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                                 GST_SEEK_TYPE_SET, gint64(from), GST_SEEK_TYPE_SET, gint64(to)));
    std::vector<int> got;
    while (GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(out.get()), 2 * GST_SECOND)) {
      got.push_back(int(first_value(gst_sample_get_buffer(sample))));
      gst_sample_unref(sample);
    }
    return got;
  };
  gst_element_set_state(pipeline.get(), GST_STATE_PAUSED);
  gst_element_get_state(pipeline.get(), nullptr, nullptr, 5 * GST_SECOND);
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  EXPECT_EQ(values(1, 4 * frame_duration, 8 * frame_duration), (std::vector<int>{5, 6, 7, 8}));
  EXPECT_EQ(values(1, 4 * frame_duration + frame_duration / 2, 6 * frame_duration), (std::vector<int>{5, 6}))
      << "between two poses the first is on";
  EXPECT_EQ(values(-1, 0, 3 * frame_duration), (std::vector<int>{3, 2, 1}));
  EXPECT_EQ(values(2, 7 * frame_duration, 100 * frame_duration), (std::vector<int>{8, 9, 10}));
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
}

TEST_F(PoseTrackElementsTest, ALiveSourceWaitsForTheClock) {
  GError* error = nullptr;
  Owned<GstElement> pipeline(
      gst_parse_launch(("reenactposesrc name=src is-live=true location=\"" +
                        write_track("ten.safetensors", 10) + "\" ! fakesink sync=false")
                           .c_str(),
                       &error));
  ASSERT_TRUE(pipeline) << error->message;
  const gint64 begin = g_get_monotonic_time();
  EXPECT_EQ(run(pipeline.get()), "");
  // The tenth pose comes after nine frames; a source that is not live needs a few milliseconds.
  EXPECT_GE(g_get_monotonic_time() - begin, gint64(9 * frame_duration / GST_USECOND));
  Owned<GstElement> source(gst_bin_get_by_name(GST_BIN(pipeline.get()), "src"));
  Owned<GstQuery> query(gst_query_new_latency());
  EXPECT_TRUE(gst_element_query(source.get(), query.get()));
  gboolean live = FALSE;
  gst_query_parse_latency(query.get(), &live, nullptr, nullptr);
  EXPECT_TRUE(live);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
}

TEST_F(PoseTrackElementsTest, FilesThatAreNoTracksAreErrorsThatNameThem) {
  std::ofstream(file("text.safetensors")) << "no track at all";
  for (const char* name : {"text.safetensors", "absent.safetensors", "red.safetensors"}) {
    auto element = make("reenactposesrc", "location=" + file(name));
    EXPECT_EQ(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
    const std::string text = error_text();
    EXPECT_NE(text.find(name), std::string::npos) << text;
    while (!error_text().empty()) {
      // The base class says after ours that the element did not start.
    }
    gst_element_set_state(element.get(), GST_STATE_NULL);
  }
}

TEST_F(PoseTrackElementsTest, ReplayedPosesDrawTheSamePictureInTheSamePlace) {
  const std::string location = file("replayed.safetensors");
  const std::string chain =
      " ! reenactidentity identity-file=red.safetensors ! reenactgenerator device=cuda ! reenactcompositor "
      "! video/x-raw,format=RGB ! appsink name=out sync=false wait-on-eos=false";
  const auto pictures = [](GstElement* pipeline) {
    Owned<GstElement> out(gst_bin_get_by_name(GST_BIN(pipeline), "out"));
    std::vector<cv::Mat> pictures;
    while (GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(out.get()), GST_SECOND)) {
      pictures.push_back(picture_of(gst_sample_get_buffer(sample), gst_sample_get_caps(sample)));
      gst_sample_unref(sample);
    }
    return pictures;
  };
  GError* error = nullptr;
  Owned<GstElement> direct(gst_parse_launch(
      ("appsrc name=in format=time caps=\"" + rgb_caps(160, 120) +
       "\" ! reenactcrop device=cuda no-face=background ! reenactpose device=cuda ! tee name=t ! queue" +
       chain + " t. ! queue ! reenactposesink location=\"" + location + "\"")
          .c_str(),
      &error));
  ASSERT_TRUE(direct) << error->message;
  Owned<GstElement> in(gst_bin_get_by_name(GST_BIN(direct.get()), "in"));
  constexpr int count = 40;
  for (int i = 0; i < count; ++i) {
    const cv::Rect face(40 + i, 30 + i / 2, 30 + i / 4, 36);
    gst_app_src_push_buffer(GST_APP_SRC(in.get()),
                            new_frame(i / 10 == 2 ? scene(160, 120) : scene(160, 120, face), i));
  }
  gst_app_src_end_of_stream(GST_APP_SRC(in.get()));
  EXPECT_EQ(run(direct.get()), "");
  const auto wanted = pictures(direct.get());
  gst_element_set_state(direct.get(), GST_STATE_NULL);
  ASSERT_EQ(wanted.size(), std::size_t(count));

  Owned<GstElement> replay(
      gst_parse_launch(("reenactposesrc location=\"" + location + "\"" + chain).c_str(), &error));
  ASSERT_TRUE(replay) << error->message;
  EXPECT_EQ(run(replay.get()), "");
  const auto got = pictures(replay.get());
  gst_element_set_state(replay.get(), GST_STATE_NULL);
  ASSERT_EQ(got.size(), std::size_t(count));
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].size(), wanted[i].size());
    EXPECT_EQ(cv::norm(got[i], wanted[i], cv::NORM_INF), 0) << "picture " << i;
  }
}

}  // namespace
}  // namespace reenact
