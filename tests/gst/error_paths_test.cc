// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever goes wrong in front of a camera or behind it: no pixel of the driver's face comes out, before, during and after.
#include <functional>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "element_test.h"

namespace reenact {
namespace {

constexpr int width = 160, height = 120;
const cv::Rect face(60, 40, 30, 36);

/// A stream in which something goes wrong at the fourth of eight frames.
struct ErrorPath {
  const char* name;
  std::function<void(GstHarness*, GstElement*)> happen;
};

const ErrorPath error_paths[] = {
    {"nothing", [](GstHarness*, GstElement*) {}},
    {"an identity's file that is not there",
     [](GstHarness*, GstElement* bin) { g_object_set(bin, "identity-file", "absent.safetensors", nullptr); }},
    {"an identity that does not fit",
     [](GstHarness*, GstElement* bin) { g_object_set(bin, "identity-file", "long.safetensors", nullptr); }},
    {"nobody any more",
     [](GstHarness*, GstElement* bin) { g_object_set(bin, "identity-file", nullptr, nullptr); }},
    {"a background image that is not there",
     [](GstHarness*, GstElement* bin) { g_object_set(bin, "background-image", "/absent.png", nullptr); }},
    {"a frame that is too short",
     [](GstHarness* h, GstElement*) {
       GstBuffer* frame = new_frame(scene(width, height, face), 4);
       gst_buffer_resize(frame, 0, gssize(gst_buffer_get_size(frame) / 2));
       gst_harness_push(h, frame);
     }},
    {"video that becomes interlaced",
     [](GstHarness* h, GstElement*) {
       gst_harness_set_src_caps_str(
           h, (rgb_caps(width, height) + ", interlace-mode=(string)interleaved").c_str());
     }},
    {"video of another size",
     [](GstHarness* h, GstElement*) {
       gst_harness_set_src_caps_str(h, rgb_caps(320, 240).c_str());
       gst_harness_push(h, new_frame(scene(320, 240, cv::Rect(100, 80, 80, 90)), 4));
       gst_harness_set_src_caps_str(h, rgb_caps(width, height).c_str());
     }},
    {"a flush",
     [](GstHarness* h, GstElement*) {
       gst_harness_push_event(h, gst_event_new_flush_start());
       gst_harness_push_event(h, gst_event_new_flush_stop(TRUE));
       GstSegment segment;
       gst_segment_init(&segment, GST_FORMAT_TIME);
       gst_harness_push_event(h, gst_event_new_segment(&segment));
     }},
    {"a gap",
     [](GstHarness* h, GstElement*) {
       gst_harness_push_event(h, gst_event_new_gap(4 * frame_duration, frame_duration));
     }},
    {"a face that is gone",
     [](GstHarness* h, GstElement*) {
       for (int i = 0; i < 6; ++i) gst_harness_push(h, new_frame(scene(width, height), 4 + i));
     }},
    {"panic", [](GstHarness*, GstElement* bin) { g_signal_emit_by_name(bin, "panic"); }}};

bool has_ended(GstHarness* h) {
  while (GstEvent* event = gst_harness_try_pull_event(h)) {
    const bool end = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
    gst_event_unref(event);
    if (end) return true;
  }
  return false;
}

class ErrorPathTest : public ElementTest, public testing::WithParamInterface<const char*> {};
using DriverSeenTest = ElementTest;

TEST_P(ErrorPathTest, ShowsNoPixelOfTheDriversFace) {
  const std::string image = (folder() / "behind.png").string();
  cv::imwrite(image, cv::Mat(40, 40, CV_8UC3, cv::Scalar(200, 30, 20)));
  for (const ErrorPath& path : error_paths) {
    for (const char* no_face : {"hold", "drop", "background", "black"}) {
      SCOPED_TRACE(std::string(path.name) + ", no-face=" + no_face);
      const auto bin = make("reenactbin", "identity-file=red.safetensors background-image=" + image +
                                              " no-face=" + no_face + " background=" + GetParam());
      // A head that lets through what is behind it.
      gst_child_proxy_set(GST_CHILD_PROXY(bin.get()), "compositor::opacity", 0.5, "crop::detect-interval", 1,
                          nullptr);
      Owned<GstHarness> h(gst_harness_new_with_element(bin.get(), "sink", "src"));
      gst_harness_set_sink_caps_str(h.get(), "video/x-raw, format=(string){ RGB, RGBA }");
      gst_harness_set_src_caps_str(h.get(), rgb_caps(width, height).c_str());
      for (int i = 0; i < 4; ++i) gst_harness_push(h.get(), new_frame(scene(width, height, face), i));
      path.happen(h.get(), bin.get());
      for (int i = 10; i < 14; ++i) gst_harness_push(h.get(), new_frame(scene(width, height, face), i));
      gst_harness_push_event(h.get(), gst_event_new_eos());
      // The end comes behind the last picture; an error ends the stream without one.
      for (int tries = 0; tries < 100 && !has_ended(h.get()); ++tries) g_usleep(1000);
      int pictures = 0;
      while (GstBuffer* one = gst_harness_try_pull(h.get())) {
        const Owned<GstBuffer> out(one);
        const Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
        GstVideoInfo info;
        gst_video_info_from_caps(&info, caps.get());
        if (gst_buffer_get_size(one) != GST_VIDEO_INFO_SIZE(&info)) continue;  // of the size before
        cv::Mat rgb = picture_of(one, info);
        if (rgb.channels() == 4) cv::cvtColor(rgb, rgb, cv::COLOR_RGBA2RGB);
        EXPECT_EQ(face_colored_pixels(rgb), 0) << "picture " << pictures;
        ++pictures;
      }
      EXPECT_GE(pictures, 3);
      h.reset();
      gst_bus_set_flushing(bus(), TRUE);
      gst_bus_set_flushing(bus(), FALSE);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backgrounds, ErrorPathTest, testing::Values("pad", "color", "image", "transparent"));

TEST_F(DriverSeenTest, WhatIsLookedForIsSeenWhereTheDriverIsShown) {
  const auto bin = make("reenactbin", "identity-file=red.safetensors background=driver opacity=0");
  Owned<GstHarness> h(gst_harness_new_with_element(bin.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), rgb_caps(width, height).c_str());
  const Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), new_frame(scene(width, height, face), 0)));
  EXPECT_GT(face_colored_pixels(picture_of(out.get(), info_of({width, height}))), 500);
}

}  // namespace
}  // namespace reenact
