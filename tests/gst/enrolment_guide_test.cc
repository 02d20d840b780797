// SPDX-License-Identifier: LGPL-2.1-or-later
// A countdown before a live enrolment and a score of each of its pictures.
#include "enrolment_guide.h"

#include <opencv2/imgproc.hpp>
#include <vector>

#include "element_test.h"
#include "stream/face_meta.h"

namespace reenact {
namespace {

class EnrolmentGuideTest : public ElementTest {
 protected:
  void start(const std::string& properties) {
    element_ = make("reenactidentity", properties);
    crops_.reset(gst_harness_new_with_element(element_.get(), "crops", nullptr));
    poses_.reset(gst_harness_new_with_element(element_.get(), "sink", "src"));
    gst_harness_set_src_caps_str(poses_.get(), pose_caps_string().c_str());
    gst_harness_set_src_caps_str(crops_.get(), rgb_caps(side, side).c_str());
  }
  bool enrol(guint count) {
    gboolean begun = FALSE;
    g_signal_emit_by_name(element_.get(), "enrol", count, nullptr, &begun);
    return begun;
  }
  /// A crop of a checkered face of that height in the frame.
  void push_crop(int number, double blur = 0, float face_height = 200, guint flags = face_detected) {
    cv::Mat picture(side, side, CV_8UC3);
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x)
        picture.at<cv::Vec3b>(y, x) = cv::Vec3b::all((x / 8 + y / 8) % 2 ? 178 : 78);
    if (blur > 0) cv::GaussianBlur(picture, picture, {0, 0}, blur);
    GstBuffer* crop = new_frame(picture, number);
    FaceMeta* meta = add_face_meta(crop, nullptr, nullptr);
    meta->flags = flags;
    meta->box = {0, 0, face_height, face_height, 1};
    EXPECT_EQ(gst_harness_push(crops_.get(), crop), GST_FLOW_OK);
  }
  /// The element messages of that name so far.
  std::vector<Owned<GstMessage>> told(const char* name) {
    std::vector<Owned<GstMessage>> all;
    while (GstMessage* one = gst_bus_pop_filtered(bus(), GST_MESSAGE_ELEMENT)) {
      Owned<GstMessage> owned(one);
      if (gst_message_has_name(one, name)) all.push_back(std::move(owned));
    }
    return all;
  }
  bool wait_until_enrolled() {
    while (auto one = message(GST_MESSAGE_ELEMENT))
      if (gst_message_has_name(one.get(), "reenact-enrolled")) return true;
    return false;
  }
  static guint number(const Owned<GstMessage>& message, const char* field) {
    guint value = 999;
    gst_structure_get_uint(gst_message_get_structure(message.get()), field, &value);
    return value;
  }
  static double score(const Owned<GstMessage>& message, const char* field = "score") {
    double value = -1;
    gst_structure_get_double(gst_message_get_structure(message.get()), field, &value);
    return value;
  }
  static constexpr int side = 128;
  Owned<GstElement> element_;
  Owned<GstHarness> poses_, crops_;
};

TEST_F(EnrolmentGuideTest, CountsTheSecondsDownBeforeTheFirstPicture) {
  start("enrol-countdown=3");
  ASSERT_TRUE(enrol(2));
  for (int i = 0; i < 75; ++i) push_crop(i);  // three seconds
  std::vector<guint> seconds;
  for (const auto& one : told("reenact-enrol-countdown")) seconds.push_back(number(one, "seconds"));
  EXPECT_EQ(seconds, (std::vector<guint>{3, 2, 1}));
  push_crop(75);
  push_crop(76);
  EXPECT_TRUE(wait_until_enrolled());
}

TEST_F(EnrolmentGuideTest, SecondsPassWhileNobodyIsSeen) {
  start("enrol-countdown=1");
  ASSERT_TRUE(enrol(1));
  for (int i = 0; i < 25; ++i) push_crop(i, 0, 200, face_missing);
  push_crop(25, 0, 200, face_missing);
  const auto seconds = told("reenact-enrol-countdown");
  ASSERT_EQ(seconds.size(), 2u);
  EXPECT_EQ(number(seconds[1], "seconds"), 0u) << "told as it begins";
  push_crop(26);
  EXPECT_TRUE(wait_until_enrolled());
}

TEST_F(EnrolmentGuideTest, WithoutACountdownTheNextPictureIsTakenAndNoneIsTold) {
  start("");
  ASSERT_TRUE(enrol(1));
  push_crop(0);
  EXPECT_TRUE(wait_until_enrolled());
  EXPECT_TRUE(told("reenact-enrol-countdown").empty());
}

TEST_F(EnrolmentGuideTest, EveryPictureIsScored) {
  start("");
  ASSERT_TRUE(enrol(4));
  push_crop(0);
  push_crop(1, 6);
  push_crop(2, 0, 32);
  const auto pictures = told("reenact-enrol-picture");
  ASSERT_EQ(pictures.size(), 3u);
  for (guint i = 0; i < 3; ++i) {
    EXPECT_EQ(number(pictures[i], "number"), i + 1);
    EXPECT_EQ(number(pictures[i], "of"), 4u);
  }
  EXPECT_GT(score(pictures[0]), 0.9);
  EXPECT_LT(score(pictures[1]), 0.5) << "out of focus";
  EXPECT_LT(score(pictures[1], "sharpness"), 0.5);
  EXPECT_NEAR(score(pictures[2]), 0.25, 0.01) << "far away";
  EXPECT_NEAR(score(pictures[2], "size"), 0.25, 0.01);
}

TEST_F(EnrolmentGuideTest, PicturesBelowTheLeastScoreAreNotLearnedFrom) {
  start("enrol-min-score=0.5");
  ASSERT_TRUE(enrol(2));
  push_crop(0, 8);
  push_crop(1);
  push_crop(2, 0, 20);
  const auto pictures = told("reenact-enrol-picture");
  ASSERT_EQ(pictures.size(), 3u);
  const bool wanted[] = {false, true, false};
  for (std::size_t i = 0; i < 3; ++i) {
    gboolean taken = FALSE;
    gst_structure_get_boolean(gst_message_get_structure(pictures[i].get()), "taken", &taken);
    EXPECT_EQ(bool(taken), wanted[i]) << i;
  }
  EXPECT_EQ(number(pictures[2], "number"), 1u) << "one is taken so far";
  push_crop(3);
  EXPECT_TRUE(wait_until_enrolled());
}

TEST_F(EnrolmentGuideTest, TheNextEnrolmentCountsAnew) {
  start("enrol-countdown=1");
  for (int round = 0; round < 2; ++round) {
    bool begun = enrol(1);
    // The worker of the round before may not have gone yet.
    for (int tries = 0; round > 0 && !begun && tries < 2000; ++tries) {
      g_usleep(1000);
      begun = enrol(1);
    }
    ASSERT_TRUE(begun) << round;
    const int from = 100 * round;
    for (int i = 0; i <= 25; ++i) push_crop(from + i);
    EXPECT_TRUE(wait_until_enrolled()) << round;
  }
}

TEST_F(EnrolmentGuideTest, TheBinsOwnCropsAreGuidedToo) {
  element_ = make("reenactbin", "identity-file=red.safetensors enrol-countdown=1 background=color");
  Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), rgb_caps(160, 120).c_str());
  const auto push = [&](int frame) {
    const Owned<GstBuffer> out(
        gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120, cv::Rect(60, 40, 30, 36)), frame)));
    EXPECT_TRUE(out);
  };
  push(0);
  gboolean begun = FALSE;
  g_signal_emit_by_name(element_.get(), "enrol", 2u, nullptr, &begun);
  ASSERT_TRUE(begun);
  int seconds = 0, pictures = 0, enrolled = 0;
  for (int i = 1; i < 40; ++i) push(i);
  while (const auto one = message(GST_MESSAGE_ELEMENT)) {
    seconds += gst_message_has_name(one.get(), "reenact-enrol-countdown");
    pictures += gst_message_has_name(one.get(), "reenact-enrol-picture");
    enrolled += gst_message_has_name(one.get(), "reenact-enrolled");
    if (enrolled) break;
  }
  EXPECT_EQ(seconds, 2);
  EXPECT_EQ(pictures, 2);
  EXPECT_EQ(enrolled, 1);
}

}  // namespace
}  // namespace reenact
