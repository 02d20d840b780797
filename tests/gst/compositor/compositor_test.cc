// SPDX-License-Identifier: LGPL-2.1-or-later
#include <chrono>
#include <future>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <thread>

#include "element_test.h"
#include "stream/face_meta.h"

namespace reenact {
namespace {

const cv::Scalar head_color{10, 200, 30, 255};

class CompositorTest : public ElementTest {
 protected:
  static constexpr int width = 160, height = 120, head_size = 32;
  const cv::Rect face_{60, 40, 30, 30}, crop_{48, 28, 55, 55};

  Owned<GstHarness> harness(const std::string& properties) {
    element_ = make("reenactcompositor", properties);
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
    gst_harness_set_src_caps_str(h.get(), rgba_caps(head_size, head_size).c_str());
    return h;
  }

  /// A head whose middle half is opaque, cut from the driver's frame `frame`.
  GstBuffer* head(int number, const cv::Mat& frame, guint flags = face_detected) {
    cv::Mat rgba(head_size, head_size, CV_8UC4, cv::Scalar::all(0));
    rgba(cv::Rect(head_size / 4, head_size / 4, head_size / 2, head_size / 2)).setTo(head_color);
    GstBuffer* buffer = new_frame(rgba, number);
    GstBuffer* driver = new_frame(frame, number);
    const GstVideoInfo info = info_of(frame.size());
    FaceMeta* meta = add_face_meta(buffer, driver, &info);
    gst_buffer_unref(driver);
    meta->flags = flags;
    meta->box = {float(face_.x), float(face_.y), float(face_.br().x), float(face_.br().y), 0.9f};
    meta->crop = crop_;
    return buffer;
  }

  cv::Mat composite(GstHarness* h, GstBuffer* head) {
    Owned<GstBuffer> out(gst_harness_push_and_pull(h, head));
    if (!out) return {};
    Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
    return picture_of(out.get(), caps.get());
  }
  Owned<GstElement> element_;
};

TEST_F(CompositorTest, LaysTheHeadWhereTheDriversWasAtTheFramesSize) {
  auto h = harness("background=color background-color=0xff0000ff");
  const cv::Mat out = composite(h.get(), head(0, scene(width, height, face_)));
  ASSERT_EQ(out.size(), cv::Size(width, height));
  const cv::Vec3b blue(0, 0, 255), green(10, 200, 30);
  EXPECT_EQ(out.at<cv::Vec3b>(crop_.y + crop_.height / 2, crop_.x + crop_.width / 2), green);
  EXPECT_EQ(out.at<cv::Vec3b>(crop_.y + 2, crop_.x + 2), blue);
  EXPECT_EQ(out.at<cv::Vec3b>(0, 0), blue);
  EXPECT_LE(difference(out.at<cv::Vec3b>(crop_.y + crop_.height / 2, crop_.x + crop_.width / 2 + 10), green),
            1);
}

TEST_F(CompositorTest, TakesTheOldNameOfColorAndKeepsTheNew) {
  for (const char* factory : {"reenactcompositor", "reenactbin"}) {
    auto element = make(factory, "background=colour");
    int number = -1;
    g_object_get(element.get(), "background", &number, nullptr);
    GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element.get()), "background");
    const GEnumValue* found = g_enum_get_value(G_PARAM_SPEC_ENUM(spec)->enum_class, number);
    ASSERT_TRUE(found);
    EXPECT_STREQ(found->value_nick, "color") << factory;
  }
}

TEST_F(CompositorTest, NeverShowsTheDriverUnlessAskedByName) {
  cv::Mat image(50, 50, CV_8UC3, cv::Scalar(0, 128, 128));
  const std::string image_file = (folder() / "image.png").string();
  cv::imwrite(image_file, image);
  // The frame is all of the driver's colour, so that any pixel of it that gets through is seen.
  const cv::Mat driver(height, width, CV_8UC3, fake_face_color);
  for (const char* background : {"pad", "color", "image", "transparent"}) {
    for (const guint flags : {guint(face_detected), guint(face_missing), guint(face_missing | face_held)}) {
      auto h = harness(std::string("background=") + background + " background-image=" + image_file);
      cv::Mat out = composite(h.get(), head(0, driver, flags));
      ASSERT_FALSE(out.empty()) << background;
      if (out.channels() == 4) cv::cvtColor(out, out, cv::COLOR_RGBA2RGB);
      EXPECT_EQ(face_colored_pixels(out), 0) << background << " " << flags;
    }
  }
  auto h = harness("background=driver");
  EXPECT_GT(face_colored_pixels(composite(h.get(), head(0, driver))), 0);
}

TEST_F(CompositorTest, BlurredDriverLosesEveryDetailOfTheFace) {
  // A chequered face: its two colours average to grey wherever more than a few squares are mixed.
  cv::Mat driver = scene(width, height);
  for (int y = 0; y < face_.height; ++y) {
    for (int x = 0; x < face_.width; ++x) {
      const bool light = (x / 3 + y / 3) % 2;
      driver.at<cv::Vec3b>(face_.y + y, face_.x + x) = light ? cv::Vec3b(255, 255, 255) : cv::Vec3b(0, 0, 0);
    }
  }
  const auto detail_of = [&](const cv::Mat& rgb, const cv::Rect& part) {
    cv::Mat grey, edges;
    cv::cvtColor(rgb(part), grey, cv::COLOR_RGB2GRAY);
    cv::Laplacian(grey, edges, CV_32F);
    return cv::norm(edges, cv::NORM_L1) / double(part.area());
  };
  for (const guint flags : {guint(face_detected), guint(face_missing), guint(face_missing | face_held)}) {
    auto h = harness("background=blurred-driver opacity=0");
    const cv::Mat out = composite(h.get(), head(0, driver, flags));
    ASSERT_EQ(out.size(), driver.size());
    EXPECT_LT(detail_of(out, face_), detail_of(driver, face_) / 20) << "flags " << flags;
  }
}

TEST_F(CompositorTest, GivesAlphaForTransparent) {
  auto h = harness("background=transparent");
  const cv::Mat out = composite(h.get(), head(0, scene(width, height, face_)));
  ASSERT_EQ(out.type(), CV_8UC4);
  EXPECT_EQ(out.at<cv::Vec4b>(0, 0), cv::Vec4b(0, 0, 0, 0));
  EXPECT_EQ(out.at<cv::Vec4b>(crop_.y + crop_.height / 2, crop_.x + crop_.width / 2),
            cv::Vec4b(10, 200, 30, 255));
}

TEST_F(CompositorTest, ShowsOnlyTheBackgroundWithoutAFace) {
  auto h = harness("background-color=0xff112233");
  const cv::Mat plain(height, width, CV_8UC3, cv::Scalar(0x11, 0x22, 0x33));
  GstBuffer* missing = head(0, scene(width, height), face_missing);
  EXPECT_EQ(cv::norm(composite(h.get(), missing), plain, cv::NORM_INF), 0);
  GstBuffer* gap = head(1, scene(width, height));
  GST_BUFFER_FLAG_SET(gap, GST_BUFFER_FLAG_GAP);
  Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), gap));
  ASSERT_TRUE(out);
  EXPECT_FALSE(GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_GAP)) << "the background is there";
}

TEST_F(CompositorTest, FitsAHeadWithoutMetaIntoWhatDownstreamWants) {
  auto element = make("reenactcompositor", "background-color=0xff0000ff mask-fade=0");
  Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
  gst_harness_set_sink_caps_str(h.get(), "video/x-raw, format=RGB, width=200, height=100");
  gst_harness_set_src_caps_str(h.get(), rgba_caps(head_size, head_size).c_str());
  Owned<GstBuffer> out(
      gst_harness_push_and_pull(h.get(), new_frame(cv::Mat(head_size, head_size, CV_8UC4, head_color), 0)));
  ASSERT_TRUE(out);
  Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
  const cv::Mat picture = picture_of(out.get(), caps.get());
  ASSERT_EQ(picture.size(), cv::Size(200, 100));
  EXPECT_EQ(picture.at<cv::Vec3b>(1, 51), cv::Vec3b(10, 200, 30));
  EXPECT_EQ(picture.at<cv::Vec3b>(98, 148), cv::Vec3b(10, 200, 30));
  EXPECT_EQ(picture.at<cv::Vec3b>(50, 48), cv::Vec3b(0, 0, 255));
}

TEST_F(CompositorTest, FadesAHeadWhereItsBorderIsInsideThePicture) {
  auto element = make("reenactcompositor", "background-color=0xff0000ff");
  Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
  gst_harness_set_sink_caps_str(h.get(), "video/x-raw, format=RGB, width=200, height=100");
  gst_harness_set_src_caps_str(h.get(), rgba_caps(head_size, head_size).c_str());
  Owned<GstBuffer> out(
      gst_harness_push_and_pull(h.get(), new_frame(cv::Mat(head_size, head_size, CV_8UC4, head_color), 0)));
  ASSERT_TRUE(out);
  Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
  // The head fills columns 50 to 149 and all rows.
  const cv::Mat picture = picture_of(out.get(), caps.get());
  EXPECT_GT(picture.at<cv::Vec3b>(50, 50)[2], 190) << "a fifth of it is left";
  EXPECT_EQ(picture.at<cv::Vec3b>(50, 58), cv::Vec3b(10, 200, 30));
  EXPECT_EQ(picture.at<cv::Vec3b>(0, 100), cv::Vec3b(10, 200, 30)) << "at the picture's own edge";
  EXPECT_EQ(picture.at<cv::Vec3b>(99, 100), cv::Vec3b(10, 200, 30));
}

TEST_F(CompositorTest, PlacesWhereTheRectangleSays) {
  auto h = harness(
      "background-color=0xff0000ff placement=rectangle placement-x=8 placement-y=4 placement-width=64");
  const cv::Mat out = composite(h.get(), head(0, scene(width, height, face_)));
  EXPECT_EQ(out.at<cv::Vec3b>(4 + 16, 8 + 32), cv::Vec3b(10, 200, 30));
  EXPECT_EQ(out.at<cv::Vec3b>(60, 75), cv::Vec3b(0, 0, 255));
}

TEST_F(CompositorTest, MaskPropertiesReachTheMask) {
  const auto width_of_head = [&](const std::string& properties) {
    auto h = harness("background-color=0xff000000 " + properties);
    const cv::Mat out = composite(h.get(), head(0, scene(width, height, face_)));
    int count = 0;
    for (int x = 0; x < width; ++x) count += out.at<cv::Vec3b>(crop_.y + crop_.height / 2, x)[1] > 100;
    return count;
  };
  const int plain = width_of_head("");
  EXPECT_LT(width_of_head("mask-erode=4"), plain - 4);
  EXPECT_EQ(width_of_head("mask-fade=0"), plain) << "it does not come near the border";
  EXPECT_LT(width_of_head("mask-fade=0.5"), plain);
  EXPECT_EQ(width_of_head("opacity=0.25"), 0);
}

TEST_F(CompositorTest, FollowsFramesThatChangeSize) {
  auto h = harness("");
  EXPECT_EQ(composite(h.get(), head(0, scene(160, 120, face_))).size(), cv::Size(160, 120));
  EXPECT_EQ(composite(h.get(), head(1, scene(320, 240, face_))).size(), cv::Size(320, 240));
  g_object_set(element_.get(), "background", 5, nullptr);
  EXPECT_EQ(composite(h.get(), head(2, scene(320, 240, face_))).type(), CV_8UC4);
}

TEST_F(CompositorTest, KeepsTimestampsSegmentAndForeignMetasButNotTheDriversFrame) {
  auto h = harness("");
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 10 * frame_duration;
  gst_harness_push_event(h.get(), gst_event_new_segment(&segment));
  GstBuffer* in = head(12, scene(width, height, face_));
  GstCaps* reference = gst_caps_new_empty_simple("timestamp/x-test");
  gst_buffer_add_reference_timestamp_meta(in, reference, 42, GST_CLOCK_TIME_NONE);
  gst_buffer_add_video_region_of_interest_meta(get_face_meta(in)->frame, "cup", 1, 2, 3, 4);
  Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), in));
  ASSERT_TRUE(out);
  EXPECT_EQ(GST_BUFFER_PTS(out.get()), 12 * frame_duration);
  EXPECT_EQ(GST_BUFFER_DURATION(out.get()), frame_duration);
  EXPECT_TRUE(gst_buffer_get_reference_timestamp_meta(out.get(), reference));
  EXPECT_EQ(gst_buffer_get_n_meta(out.get(), GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE), 2u)
      << "cup and face";
  EXPECT_FALSE(get_face_meta(out.get()));
  Owned<GstEvent> event(gst_pad_get_sticky_event(h->sinkpad, GST_EVENT_SEGMENT, 0));
  const GstSegment* passed = nullptr;
  gst_event_parse_segment(event.get(), &passed);
  EXPECT_EQ(passed->start, 10 * frame_duration);
  gst_caps_unref(reference);
}

TEST_F(CompositorTest, EndsAndFlushes) {
  auto h = harness("mask-smoothing=0.5");
  ASSERT_FALSE(composite(h.get(), head(0, scene(width, height, face_))).empty());
  gst_harness_push_event(h.get(), gst_event_new_flush_start());
  gst_harness_push_event(h.get(), gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(h.get(), gst_event_new_segment(&segment));
  ASSERT_FALSE(composite(h.get(), head(1, scene(width, height, face_))).empty());
  gst_harness_push_event(h.get(), gst_event_new_eos());
  bool ended = false;
  while (GstEvent* event = gst_harness_pull_event(h.get())) {
    ended = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
    gst_event_unref(event);
    if (ended) break;
  }
  EXPECT_TRUE(ended);
}

TEST_F(CompositorTest, WorksWithoutTimestamps) {
  auto h = harness("");
  for (int i = 0; i < 3; ++i) {
    GstBuffer* in = head(i, scene(width, height, face_));
    GST_BUFFER_PTS(in) = GST_BUFFER_DURATION(in) = GST_CLOCK_TIME_NONE;
    Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), in));
    ASSERT_TRUE(out);
    EXPECT_FALSE(GST_BUFFER_PTS_IS_VALID(out.get()));
  }
}

TEST_F(CompositorTest, ErrorsOnAnImageThatIsMissingOrNone) {
  const std::string no_image = (folder() / "red.safetensors").string();
  for (const std::string& properties :
       {std::string("background=image"), std::string("background=image background-image=/absent.png"),
        "background=image background-image=" + no_image}) {
    auto element = make("reenactcompositor", properties);
    EXPECT_EQ(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE) << properties;
    EXPECT_NE(error_text(), "");
    gst_element_set_state(element.get(), GST_STATE_NULL);
  }
  auto h = harness("");
  g_object_set(element_.get(), "background-image", "/absent.png", nullptr);
  EXPECT_TRUE(message(GST_MESSAGE_WARNING));
}

TEST_F(CompositorTest, ShowsTheImageThatIsNamedWhileItStarts) {
  const std::string large = (folder() / "large.png").string(), small = (folder() / "small.png").string();
  // Takes a good part of a second to read.
  cv::imwrite(large, cv::Mat(6000, 6000, CV_8UC3, cv::Scalar(0, 0, 255)));
  cv::imwrite(small, cv::Mat(8, 8, CV_8UC3, cv::Scalar(255, 0, 0)));
  element_ = make("reenactcompositor", "background=image background-image=" + large);
  auto paused =
      std::async(std::launch::async, [&] { return gst_element_set_state(element_.get(), GST_STATE_PAUSED); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  g_object_set(element_.get(), "background-image", small.c_str(), nullptr);
  ASSERT_NE(paused.get(), GST_STATE_CHANGE_FAILURE);
  Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), rgba_caps(head_size, head_size).c_str());
  EXPECT_EQ(composite(h.get(), head(0, scene(width, height))).at<cv::Vec3b>(0, 0), cv::Vec3b(0, 0, 255));
}

}  // namespace
}  // namespace reenact
