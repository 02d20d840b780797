// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <vector>

#include "element_test.h"
#include "reenact/crop.h"
#include "stream/face_meta.h"

namespace reenact {
namespace {

class CropTest : public ElementTest {
 protected:
  /// A harness around reenactcrop for RGB frames of that size.
  Owned<GstHarness> harness(const std::string& properties, int width = 160, int height = 120) {
    element_ = make("reenactcrop", properties);
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
    gst_harness_set_src_caps_str(h.get(), rgb_caps(width, height).c_str());
    return h;
  }
  /// The warning that is on the bus; "" when there is none. The caller owns its details.
  std::string warning_text(GstStructure** details = nullptr) {
    const Owned<GstMessage> warning(gst_bus_pop_filtered(bus(), GST_MESSAGE_WARNING));
    if (!warning) return "";
    GError* parsed = nullptr;
    gst_message_parse_warning(warning.get(), &parsed, nullptr);
    const std::string text = parsed->message;
    g_error_free(parsed);
    const GstStructure* found = nullptr;
    gst_message_parse_warning_details(warning.get(), &found);
    if (details && found) *details = gst_structure_copy(found);
    return text;
  }
  Owned<GstElement> element_;
  const cv::Rect face_{60, 40, 30, 36};
};

TEST_F(CropTest, CutsThePapersWindowAroundTheFace) {
  auto h = harness("size=64 smoothing=0");
  const cv::Mat picture = scene(160, 120, face_);
  GstBuffer* in = new_frame(picture, 3);
  Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), gst_buffer_ref(in)));
  ASSERT_TRUE(out);
  const FaceMeta* meta = get_face_meta(out.get());
  ASSERT_TRUE(meta);
  EXPECT_EQ(meta->flags, guint(face_detected));
  EXPECT_EQ(frame_size(*meta), cv::Size(160, 120));
  EXPECT_NEAR(meta->box.left, 60, 1);
  EXPECT_NEAR(meta->box.bottom, 76, 1);
  EXPECT_FLOAT_EQ(meta->box.score, 0.99f);
  EXPECT_EQ(meta->frame, in);
  EXPECT_EQ(meta->crop, crop_window(meta->box, paper_crop_scale));
  Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
  const cv::Mat expected = crop_face(picture, meta->box, 64);
  EXPECT_EQ(cv::norm(picture_of(out.get(), caps.get()), expected, cv::NORM_INF), 0);
  EXPECT_EQ(GST_BUFFER_PTS(out.get()), GST_BUFFER_PTS(in));
  EXPECT_EQ(GST_BUFFER_DURATION(out.get()), GST_BUFFER_DURATION(in));
  gst_buffer_unref(in);
}

TEST_F(CropTest, CutsAgainLikeTheAuthorsLoaderWhenAsked) {
  auto h = harness("size=64 smoothing=0 crop-style=authors");
  const cv::Mat picture = scene(160, 120, face_);
  Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), new_frame(picture, 0)));
  ASSERT_TRUE(out);
  Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
  const cv::Mat expected = recrop_as_loader(crop_face(picture, get_face_meta(out.get())->box, 64), 64);
  EXPECT_EQ(cv::norm(picture_of(out.get(), caps.get()), expected, cv::NORM_INF), 0);
}

TEST_F(CropTest, MirrorsTheBoxAsRegionOfInterestInTheCrop) {
  auto h = harness("size=108 smoothing=0");
  Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120, face_), 0)));
  ASSERT_TRUE(out);
  const auto* region = gst_buffer_get_video_region_of_interest_meta(out.get());
  ASSERT_TRUE(region);
  EXPECT_EQ(region->roi_type, g_quark_from_static_string("face"));
  // The face is 1/1.8 of the crop high and in its middle.
  EXPECT_NEAR(region->h, 60, 4);
  EXPECT_NEAR(region->y + region->h / 2.0, 54, 3);
  GstStructure* parameters = gst_video_region_of_interest_meta_get_param(
      const_cast<GstVideoRegionOfInterestMeta*>(region), "reenact-face");
  ASSERT_TRUE(parameters);
  double left = 0;
  EXPECT_TRUE(gst_structure_get_double(parameters, "left", &left));
  EXPECT_NEAR(left, 60, 1);
}

TEST_F(CropTest, TakesTheSizeDownstreamWantsElseItsOwnElse256) {
  const auto size_with = [&](const std::string& properties, const char* downstream) {
    auto element = make("reenactcrop", properties);
    Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
    if (downstream) gst_harness_set_sink_caps_str(h.get(), downstream);
    gst_harness_set_src_caps_str(h.get(), rgb_caps(160, 120).c_str());
    Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
    int width = 0;
    if (caps) gst_structure_get_int(gst_caps_get_structure(caps.get(), 0), "width", &width);
    return width;
  };
  EXPECT_EQ(size_with("", nullptr), 256);
  EXPECT_EQ(size_with("size=100", nullptr), 100);
  EXPECT_EQ(size_with("", "video/x-raw,format=RGB,width=64,height=64"), 64);
  EXPECT_EQ(size_with("", "video/x-raw,format=RGB,width=64,height=32"), 0) << "a crop is square";
}

TEST_F(CropTest, DetectsEverySoManyFramesAndTracksBetween) {
  auto h = harness("size=64 detect-interval=4");
  std::vector<bool> detected;
  for (int i = 0; i < 9; ++i) {
    Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120, face_), i)));
    ASSERT_TRUE(out);
    const FaceMeta* meta = get_face_meta(out.get());
    EXPECT_FALSE(meta->flags & face_missing) << "frame " << i;
    detected.push_back(meta->flags & face_detected);
  }
  EXPECT_TRUE(detected[0]);
  EXPECT_LE(std::count(detected.begin(), detected.end(), true), 3);
}

TEST_F(CropTest, ShowsNothingOfTheDriverBeforeAnyFaceWhenHolding) {
  auto h = harness("size=64 no-face=hold");
  Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120), 0)));
  ASSERT_TRUE(out);
  EXPECT_EQ(get_face_meta(out.get())->flags, guint(face_missing));
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(out.get(), GST_BUFFER_FLAG_GAP));
  EXPECT_TRUE(is_faceless(out.get()));
  Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
  const cv::Mat crop = picture_of(out.get(), caps.get());
  EXPECT_EQ(cv::norm(crop, cv::Mat(crop.size(), crop.type(), cv::Scalar::all(128)), cv::NORM_INF), 0);
}

TEST_F(CropTest, HoldsTheLastPlace) {
  auto h = harness("size=64 no-face=hold smoothing=0");
  Owned<GstBuffer> first(gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120, face_), 0)));
  Owned<GstBuffer> second(gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120), 1)));
  ASSERT_TRUE(second);
  const FaceMeta* meta = get_face_meta(second.get());
  EXPECT_EQ(meta->flags, guint(face_missing | face_held));
  EXPECT_EQ(meta->crop, get_face_meta(first.get())->crop);
  EXPECT_FALSE(is_faceless(second.get()));
}

TEST_F(CropTest, DropsFramesWithoutAFaceAndTellsSo) {
  auto h = harness("size=64 no-face=drop");
  EXPECT_EQ(gst_harness_push(h.get(), new_frame(scene(160, 120), 0)), GST_FLOW_OK);
  EXPECT_EQ(gst_harness_buffers_received(h.get()), 0u);
  bool gap = false;
  while (GstEvent* event = gst_harness_try_pull_event(h.get())) {
    gap = gap || GST_EVENT_TYPE(event) == GST_EVENT_GAP;
    gst_event_unref(event);
  }
  EXPECT_TRUE(gap);
  EXPECT_EQ(gst_harness_push(h.get(), new_frame(scene(160, 120, face_), 1)), GST_FLOW_OK);
  EXPECT_EQ(gst_harness_buffers_received(h.get()), 1u);
}

TEST_F(CropTest, GivesGreyForBackground) {
  auto h = harness("size=64 no-face=background");
  Owned<GstBuffer> first(gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120, face_), 0)));
  Owned<GstBuffer> second(gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120), 1)));
  ASSERT_TRUE(second);
  EXPECT_TRUE(is_faceless(second.get()));
}

TEST_F(CropTest, WarnsOnceWhenTheFirstSecondsShowNobody) {
  auto h = harness("size=64");
  for (int i = 0; i < 125; ++i)
    Owned<GstBuffer>(gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120), i)));
  EXPECT_EQ(warning_text(), "") << "the 125th frame is 4.96 s after the first";
  for (int i = 125; i < 200; ++i)
    Owned<GstBuffer>(gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120), i)));
  EXPECT_EQ(warning_text(),
            "no face was found in the first 5 seconds, 126 frames; wanted one that is upright and in view "
            "(detect-size finds smaller ones)");
  gst_harness_push_event(h.get(), gst_event_new_eos());
  EXPECT_EQ(warning_text(), "") << "once is enough";
}

TEST_F(CropTest, WarnsAtTheEndOfAShortStreamWithNobodyAndOfOneWithHardlyAnybody) {
  auto h = harness("size=64");
  for (int i = 0; i < 3; ++i)
    Owned<GstBuffer>(gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120), i)));
  gst_harness_push_event(h.get(), gst_event_new_eos());
  EXPECT_NE(warning_text().find("no face was found in any of the 3 frames"), std::string::npos);

  auto another = harness("size=64 detect-interval=1");
  for (int i = 0; i < 40; ++i)
    Owned<GstBuffer>(gst_harness_push_and_pull(
        another.get(), new_frame(i < 4 ? scene(160, 120, face_) : scene(160, 120), i)));
  gst_harness_push_event(another.get(), gst_event_new_eos());
  GstStructure* details = nullptr;
  EXPECT_NE(warning_text(&details).find(" of 40 frames"), std::string::npos);
  ASSERT_TRUE(details);
  guint64 frames = 0, with_face = 0;
  EXPECT_TRUE(gst_structure_get_uint64(details, "frames", &frames));
  EXPECT_TRUE(gst_structure_get_uint64(details, "frames-with-face", &with_face));
  EXPECT_EQ(frames, 40u);
  EXPECT_EQ(with_face, 4u);
  gst_structure_free(details);
}

TEST_F(CropTest, SaysNothingOfAStreamInWhichSomebodyIsSeenOftenEnough) {
  auto h = harness("size=64 detect-interval=1");
  for (int i = 0; i < 200; ++i)
    Owned<GstBuffer>(gst_harness_push_and_pull(
        h.get(), new_frame(i >= 30 && i < 60 ? scene(160, 120, face_) : scene(160, 120), i)));
  gst_harness_push_event(h.get(), gst_event_new_eos());
  EXPECT_EQ(warning_text(), "");
}

TEST_F(CropTest, SelectsAmongFaces) {
  const cv::Rect left{10, 40, 24, 30}, right{110, 30, 34, 40};
  cv::Mat picture = scene(160, 120, left);
  picture(right).setTo(fake_face_color);
  const auto center_of = [&](const std::string& properties) {
    auto h = harness("size=64 smoothing=0 " + properties);
    Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), new_frame(picture, 0)));
    const FaceMeta* meta = get_face_meta(out.get());
    return (meta->box.left + meta->box.right) / 2;
  };
  EXPECT_NEAR(center_of("face-select=largest"), 127, 2);
  EXPECT_NEAR(center_of("face-select=index face-index=0"), 22, 2);
  EXPECT_NEAR(center_of("face-select=index face-index=1"), 127, 2);
}

TEST_F(CropTest, PostsMessagesWhenAsked) {
  auto h = harness("size=64 post-messages=true");
  gst_harness_push(h.get(), new_frame(scene(160, 120, face_), 0));
  gst_harness_push(h.get(), new_frame(scene(160, 120), 1));
  std::vector<bool> found;
  while (GstMessage* message = gst_bus_pop_filtered(bus(), GST_MESSAGE_ELEMENT)) {
    gboolean here = FALSE;
    if (gst_message_has_name(message, "reenact-face") &&
        gst_structure_get_boolean(gst_message_get_structure(message), "found", &here)) {
      found.push_back(here);
    }
    gst_message_unref(message);
  }
  EXPECT_EQ(found, (std::vector<bool>{true, false}));
}

TEST_F(CropTest, SaysWhatItRunsOn) {
  auto h = harness("");
  auto told = message(GST_MESSAGE_ELEMENT);
  ASSERT_TRUE(told);
  EXPECT_TRUE(gst_message_has_name(told.get(), "reenact-active-device"));
  gchar* device = nullptr;
  g_object_get(element_.get(), "active-device", &device, nullptr);
  EXPECT_STREQ(device, "cpu");
  g_free(device);
}

TEST_F(CropTest, KeepsTheFaceInPlaceWithOblongPixels) {
  auto element = make("reenactcrop", "size=64 smoothing=0");
  Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), (rgb_caps(160, 120) + ", pixel-aspect-ratio=(fraction)2/1").c_str());
  Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120, face_), 0)));
  ASSERT_TRUE(out);
  const FaceMeta* meta = get_face_meta(out.get());
  EXPECT_NEAR(meta->box.left, 60, 1.5);
  EXPECT_NEAR(meta->box.right, 90, 1.5);
  // 30 oblong pixels are as wide as 60 square ones: the window is 108 of those, or 54 oblong ones.
  EXPECT_NEAR(meta->crop.height, 109, 4);
  EXPECT_NEAR(meta->crop.width, 55, 3);
  Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
  GstVideoInfo info;
  gst_video_info_from_caps(&info, caps.get());
  EXPECT_EQ(GST_VIDEO_INFO_PAR_N(&info), GST_VIDEO_INFO_PAR_D(&info));
}

TEST_F(CropTest, TakesOddPictures) {
  struct Case {
    int width, height;
    const char* format;
    const char* more;
  };
  for (const Case& odd :
       {Case{1, 1, "RGB", ""}, Case{4096, 16, "I420", ""}, Case{16, 2048, "NV12", ""},
        Case{64, 48, "GRAY8", ""}, Case{63, 47, "I420", ""},
        Case{720, 576, "UYVY", ", interlace-mode=progressive"}, Case{64, 64, "ARGB64", ""}}) {
    SCOPED_TRACE(std::string(odd.format) + " " + std::to_string(odd.width) + "x" +
                 std::to_string(odd.height));
    auto element = make("reenactcrop", "size=64");
    Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
    gst_harness_set_src_caps_str(h.get(), ("video/x-raw, format=(string)" + std::string(odd.format) +
                                           ", width=" + std::to_string(odd.width) + ", height=" +
                                           std::to_string(odd.height) + ", framerate=25/1" + odd.more)
                                              .c_str());
    GstVideoInfo info;
    gst_video_info_set_format(&info, gst_video_format_from_string(odd.format), guint(odd.width),
                              guint(odd.height));
    GstBuffer* in = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
    gst_buffer_memset(in, 0, 0, GST_VIDEO_INFO_SIZE(&info));
    Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), in));
    ASSERT_TRUE(out);
    EXPECT_EQ(frame_size(*get_face_meta(out.get())), cv::Size(odd.width, odd.height));
  }
}

TEST_F(CropTest, SeesNothingOfWhatAlphaHides) {
  cv::Mat rgba(120, 160, CV_8UC4, cv::Scalar(20, 60, 120, 255));
  const cv::Rect hidden(20, 40, 30, 36), shown(90, 40, 20, 24);
  rgba(hidden).setTo(cv::Scalar(fake_face_color[0], fake_face_color[1], fake_face_color[2], 0));
  rgba(shown).setTo(cv::Scalar(fake_face_color[0], fake_face_color[1], fake_face_color[2], 255));
  auto h = harness("size=64 smoothing=0 face-select=largest");
  gst_harness_set_src_caps_str(h.get(), rgba_caps(160, 120).c_str());
  Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), new_frame(rgba, 0)));
  ASSERT_TRUE(out);
  EXPECT_NEAR(get_face_meta(out.get())->box.left, shown.x, 1) << "the larger one cannot be seen";
}

TEST_F(CropTest, RefusesFieldsAndABufferThatIsTooSmall) {
  {
    auto h = harness("size=64");
    GstCaps* fields = gst_caps_from_string(
        "video/x-raw(format:Interlaced), format=RGB, width=64, height=64, framerate=25/1, "
        "interlace-mode=alternate");
    EXPECT_FALSE(gst_pad_peer_query_accept_caps(h->srcpad, fields));
    gst_caps_unref(fields);
  }
  auto h = harness("size=64");
  EXPECT_EQ(gst_harness_push(h.get(), gst_buffer_new_allocate(nullptr, 100, nullptr)), GST_FLOW_ERROR);
  EXPECT_NE(error_text().find("100 bytes"), std::string::npos);
}

TEST_F(CropTest, FollowsCapsThatChange) {
  auto h = harness("size=64");
  Owned<GstBuffer> first(gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120, face_), 0)));
  gst_harness_set_src_caps_str(h.get(), rgb_caps(320, 200).c_str());
  Owned<GstBuffer> second(
      gst_harness_push_and_pull(h.get(), new_frame(scene(320, 200, cv::Rect(200, 80, 40, 50)), 1)));
  ASSERT_TRUE(second);
  const FaceMeta* meta = get_face_meta(second.get());
  EXPECT_EQ(frame_size(*meta).width, 320);
  EXPECT_NEAR(meta->box.left, 200, 2);
}

TEST_F(CropTest, WorksWithoutTimestampsAndAfterFlushAndEndOfStream) {
  auto h = harness("size=64 no-face=hold");
  for (int i = 0; i < 3; ++i) {
    GstBuffer* in = new_frame(scene(160, 120, face_), i);
    GST_BUFFER_PTS(in) = GST_BUFFER_DURATION(in) = GST_CLOCK_TIME_NONE;
    Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), in));
    ASSERT_TRUE(out);
    EXPECT_FALSE(GST_BUFFER_PTS_IS_VALID(out.get()));
  }
  gst_harness_push_event(h.get(), gst_event_new_flush_start());
  gst_harness_push_event(h.get(), gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(h.get(), gst_event_new_segment(&segment));
  Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120), 4)));
  ASSERT_TRUE(out);
  EXPECT_TRUE(is_faceless(out.get())) << "the face of before the flush is forgotten";
  EXPECT_TRUE(gst_harness_push_event(h.get(), gst_event_new_eos()));
}

TEST_F(CropTest, PassesForeignMetasOnButNotThoseOfTheOldPicture) {
  auto h = harness("size=64 smoothing=0");
  GstBuffer* in = new_frame(scene(160, 120, face_), 0);
  gst_buffer_add_video_region_of_interest_meta(in, "cup", 1, 2, 3, 4);
  GstCaps* reference = gst_caps_new_empty_simple("timestamp/x-test");
  gst_buffer_add_reference_timestamp_meta(in, reference, 42, GST_CLOCK_TIME_NONE);
  Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), in));
  ASSERT_TRUE(out);
  EXPECT_TRUE(gst_buffer_get_reference_timestamp_meta(out.get(), reference));
  EXPECT_EQ(gst_buffer_get_n_meta(out.get(), GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE), 1u)
      << "only our own";
  gst_caps_unref(reference);
}

TEST_F(CropTest, ErrorsNameWhatWasLookedForAndWhere) {
  auto element = make("reenactcrop", "model-file=absent.safetensors");
  EXPECT_EQ(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  GQuark domain = 0;
  int code = 0;
  const std::string text = error_text(&domain, &code);
  EXPECT_EQ(domain, GST_RESOURCE_ERROR);
  EXPECT_EQ(code, GST_RESOURCE_ERROR_NOT_FOUND);
  EXPECT_NE(text.find("absent.safetensors"), std::string::npos);
  EXPECT_NE(text.find(folder().string()), std::string::npos);
  gst_element_set_state(element.get(), GST_STATE_NULL);
  g_object_set(element.get(), "model-file", "detector.safetensors", nullptr);
  EXPECT_NE(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE)
      << "usable again";
  gst_element_set_state(element.get(), GST_STATE_NULL);
}

TEST_F(CropTest, RefusesAModelOfAnotherKind) {
  auto element = make("reenactcrop", "model-file=reenactor.safetensors");
  EXPECT_EQ(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  GQuark domain = 0;
  int code = 0;
  const std::string text = error_text(&domain, &code);
  EXPECT_EQ(domain, GST_STREAM_ERROR);
  EXPECT_EQ(code, GST_STREAM_ERROR_WRONG_TYPE);
  EXPECT_NE(text.find("reenactor"), std::string::npos);
  EXPECT_NE(text.find("detector"), std::string::npos);
  gst_element_set_state(element.get(), GST_STATE_NULL);
}

}  // namespace
}  // namespace reenact
