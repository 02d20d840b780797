// SPDX-License-Identifier: LGPL-2.1-or-later
// Video whose tags say that it is to be turned, through reenactbin.
#include <functional>
#include <opencv2/imgproc.hpp>
#include <string>

#include "element_test.h"

namespace reenact {
namespace {

struct Orientation {
  const char* tag;
  bool swaps_sides;
  /// Where in the stored picture the pixel (x, y) of the upright one is, given the stored one's size.
  std::function<cv::Point(int x, int y, cv::Size stored)> source;
};

/// What the tag's documentation says: turned clockwise by so much, after a horizontal flip for "flip-".
const Orientation orientations[] = {
    {"rotate-0", false, [](int x, int y, cv::Size) { return cv::Point(x, y); }},
    {"rotate-90", true, [](int x, int y, cv::Size s) { return cv::Point(y, s.height - 1 - x); }},
    {"rotate-180", false,
     [](int x, int y, cv::Size s) { return cv::Point(s.width - 1 - x, s.height - 1 - y); }},
    {"rotate-270", true, [](int x, int y, cv::Size s) { return cv::Point(s.width - 1 - y, x); }},
    {"flip-rotate-0", false, [](int x, int y, cv::Size s) { return cv::Point(s.width - 1 - x, y); }},
    {"flip-rotate-90", true,
     [](int x, int y, cv::Size s) { return cv::Point(s.width - 1 - y, s.height - 1 - x); }},
    {"flip-rotate-180", false, [](int x, int y, cv::Size s) { return cv::Point(x, s.height - 1 - y); }},
    {"flip-rotate-270", true, [](int x, int y, cv::Size) { return cv::Point(y, x); }}};

/// Red grows to the right, green downwards: no two pixels are alike, and none has a face's color.
cv::Mat gradient(cv::Size size) {
  cv::Mat picture(size, CV_8UC3);
  for (int y = 0; y < size.height; ++y)
    for (int x = 0; x < size.width; ++x) picture.at<cv::Vec3b>(y, x) = cv::Vec3b(uchar(x), uchar(y), 10);
  return picture;
}

cv::Mat turned(const cv::Mat& stored, const Orientation& orientation) {
  cv::Mat upright(orientation.swaps_sides ? cv::Size(stored.rows, stored.cols) : stored.size(), CV_8UC3);
  for (int y = 0; y < upright.rows; ++y)
    for (int x = 0; x < upright.cols; ++x)
      upright.at<cv::Vec3b>(y, x) = stored.at<cv::Vec3b>(orientation.source(x, y, stored.size()));
  return upright;
}

GstEvent* orientation_event(const char* tag) {
  return gst_event_new_tag(
      gst_tag_list_new(GST_TAG_IMAGE_ORIENTATION, tag, GST_TAG_TITLE, "A clip", nullptr));
}

class OrientationTest : public ElementTest {
 protected:
  /// A harness around reenactbin for RGB frames of that size.
  Owned<GstHarness> harness(const std::string& properties, cv::Size size) {
    element_ = make("reenactbin", "identity-file=red.safetensors " + properties);
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
    gst_harness_set_sink_caps_str(h.get(), "video/x-raw, format=RGB");
    gst_harness_set_src_caps_str(h.get(), rgb_caps(size.width, size.height).c_str());
    return h;
  }
  cv::Mat push_and_pull(GstHarness* h, const cv::Mat& picture, int number) {
    EXPECT_EQ(gst_harness_push(h, new_frame(picture, number)), GST_FLOW_OK);
    const Owned<GstBuffer> out(gst_harness_pull(h));
    const Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
    return out && caps ? picture_of(out.get(), caps.get()) : cv::Mat();
  }
  Owned<GstElement> element_;
};

TEST_F(OrientationTest, TheBinTurnsEveryKindOfTaggedPictureUpright) {
  const cv::Mat stored = gradient({96, 64});
  for (const Orientation& orientation : orientations) {
    auto h = harness("background=driver", stored.size());
    gst_harness_push_event(h.get(), orientation_event(orientation.tag));
    const cv::Mat result = push_and_pull(h.get(), stored, 0), wanted = turned(stored, orientation);
    ASSERT_EQ(result.size(), wanted.size()) << orientation.tag;
    EXPECT_EQ(cv::norm(result, wanted, cv::NORM_INF), 0) << orientation.tag;
  }
}

TEST_F(OrientationTest, WhatFollowsIsToldThatThePictureIsUpright) {
  const cv::Mat stored = gradient({96, 64});
  auto h = harness("background=driver", stored.size());
  gst_harness_push_event(h.get(), orientation_event("rotate-90"));
  for (int i = 0; i < 2; ++i) push_and_pull(h.get(), stored, i);
  int tags = 0;
  while (const Owned<GstEvent> event{gst_harness_try_pull_event(h.get())}) {
    if (GST_EVENT_TYPE(event.get()) != GST_EVENT_TAG) continue;
    GstTagList* list = nullptr;
    gst_event_parse_tag(event.get(), &list);
    gchar* orientation = nullptr;
    if (gst_tag_list_get_string(list, GST_TAG_IMAGE_ORIENTATION, &orientation)) {
      EXPECT_STREQ(orientation, "rotate-0");
      g_free(orientation);
    }
    gchar* title = nullptr;
    EXPECT_TRUE(gst_tag_list_get_string(list, GST_TAG_TITLE, &title)) << "the other tags are kept";
    g_free(title);
    ++tags;
  }
  EXPECT_EQ(tags, 1);
}

TEST_F(OrientationTest, TheHeadOfAPortraitClipIsUprightWhereTheFaceIs) {
  // A face of a portrait clip, as a phone stores it: lying on its side.
  const cv::Rect face(40, 70, 30, 36);
  const cv::Mat upright = scene(120, 160, face);
  cv::Mat stored;
  cv::rotate(upright, stored, cv::ROTATE_90_COUNTERCLOCKWISE);
  auto h = harness("background=color background-color=0xff000000", stored.size());
  gst_harness_push_event(h.get(), orientation_event("rotate-90"));
  const cv::Mat result = push_and_pull(h.get(), stored, 0);
  ASSERT_EQ(result.size(), upright.size());
  cv::Mat head;
  cv::inRange(result, cv::Scalar(200, 0, 0), cv::Scalar(255, 60, 255), head);
  const cv::Rect place = cv::boundingRect(head);
  // The fake head is an ellipse half as wide as its picture and three quarters as high.
  EXPECT_NEAR(double(place.height) / place.width, 1.5, 0.1) << "not lying";
  EXPECT_NEAR(place.x + place.width / 2.0, face.x + face.width / 2.0, 6);
  EXPECT_NEAR(place.y + place.height / 2.0, face.y + face.height / 2.0, 6);
}

TEST_F(OrientationTest, AnOrientationThatChangesTurnsWhatComesThen) {
  const cv::Mat stored = gradient({96, 64});
  auto h = harness("background=driver", stored.size());
  EXPECT_EQ(push_and_pull(h.get(), stored, 0).size(), cv::Size(96, 64));
  gst_harness_push_event(h.get(), orientation_event("rotate-90"));
  const cv::Mat result = push_and_pull(h.get(), stored, 1);
  ASSERT_EQ(result.size(), cv::Size(64, 96));
  EXPECT_EQ(cv::norm(result, turned(stored, orientations[1]), cv::NORM_INF), 0);
}

TEST_F(OrientationTest, ABackgroundIsTurnedToo) {
  const cv::Mat stored = gradient({96, 64});
  auto h = harness("background=pad", {64, 96});
  Owned<GstHarness> background(gst_harness_new_with_element(element_.get(), "background", nullptr));
  gst_harness_set_src_caps_str(background.get(), rgb_caps(stored.cols, stored.rows).c_str());
  gst_harness_push_event(background.get(), orientation_event("rotate-90"));
  ASSERT_EQ(gst_harness_push(background.get(), new_frame(stored, 0)), GST_FLOW_OK);
  const cv::Mat result = push_and_pull(h.get(), cv::Mat(96, 64, CV_8UC3, cv::Scalar(0, 0, 0)), 0);
  ASSERT_EQ(result.size(), cv::Size(64, 96));
  EXPECT_EQ(cv::norm(result, turned(stored, orientations[1]), cv::NORM_INF), 0);
}

TEST_F(OrientationTest, ABackgroundPadCanBeReleasedAndAskedForAgain) {
  auto bin = make("reenactbin", "identity-file=red.safetensors");
  const int children = GST_BIN_NUMCHILDREN(bin.get());
  for (int i = 0; i < 3; ++i) {
    Owned<GstPad> pad(gst_element_request_pad_simple(bin.get(), "background"));
    ASSERT_TRUE(pad);
    gst_element_release_request_pad(bin.get(), pad.get());
    EXPECT_EQ(GST_BIN_NUMCHILDREN(bin.get()), children);
  }
}

TEST_F(OrientationTest, TheBinStillTakesFormatsThatVideoflipDoesNot) {
  auto h = harness("background=driver", {96, 64});
  gst_harness_set_src_caps_str(h.get(), "video/x-raw, format=P010_10LE, width=96, height=64, framerate=25/1");
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_P010_10LE, 96, 64);
  GstBuffer* frame = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  gst_buffer_memset(frame, 0, 0x80, GST_VIDEO_INFO_SIZE(&info));
  GST_BUFFER_PTS(frame) = 0;
  GST_BUFFER_DURATION(frame) = frame_duration;
  EXPECT_EQ(gst_harness_push(h.get(), frame), GST_FLOW_OK);
  EXPECT_TRUE(Owned<GstBuffer>(gst_harness_pull(h.get())));
}

}  // namespace
}  // namespace reenact
