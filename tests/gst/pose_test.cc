// SPDX-License-Identifier: LGPL-2.1-or-later
#include "element_test.h"
#include "stream/face_meta.h"

namespace reenact {
namespace {

class PoseTest : public ElementTest {
 protected:
  Owned<GstHarness> harness(const std::string& properties = "") {
    element_ = make("reenactpose", properties);
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
    gst_harness_set_src_caps_str(h.get(), rgb_caps(test_image_size, test_image_size).c_str());
    return h;
  }
  GstBuffer* crop(int red, int number, guint flags) {
    GstBuffer* buffer =
        new_frame(cv::Mat(test_image_size, test_image_size, CV_8UC3, cv::Scalar(red, 0, 0)), number);
    add_face_meta(buffer, nullptr, nullptr)->flags = flags;
    return buffer;
  }
  Owned<GstElement> element_;
};

TEST_F(PoseTest, GivesTensorsOfNnstreamersCaps) {
  element_ = make("reenactpose");
  Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
  gst_harness_set_sink_caps_str(h.get(), "other/tensors, num_tensors=(int)1");
  gst_harness_set_src_caps_str(h.get(), rgb_caps(test_image_size, test_image_size).c_str());
  Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), crop(51, 7, face_detected)));
  ASSERT_TRUE(out);
  Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
  Owned<GstCaps> expected(gst_caps_from_string(pose_caps_string().c_str()));
  EXPECT_TRUE(gst_caps_is_equal(caps.get(), expected.get()));
  EXPECT_EQ(gst_buffer_get_size(out.get()), test_pose_size * sizeof(float));
  EXPECT_FLOAT_EQ(first_value(out.get()), 0.2f);
  EXPECT_EQ(GST_BUFFER_PTS(out.get()), 7 * frame_duration);
  ASSERT_TRUE(get_face_meta(out.get()));
  EXPECT_EQ(get_face_meta(out.get())->flags, guint(face_detected));
}

TEST_F(PoseTest, AsksForCropsOfTheModelsSize) {
  auto h = harness();
  Owned<GstCaps> caps(gst_pad_peer_query_caps(h->srcpad, nullptr));
  int width = 0;
  EXPECT_TRUE(gst_structure_get_int(gst_caps_get_structure(caps.get(), 0), "width", &width));
  EXPECT_EQ(width, test_image_size);
}

TEST_F(PoseTest, KeepsTheLastPoseWhileHeldAndGivesAGapWithoutAFace) {
  auto h = harness();
  Owned<GstBuffer> before(gst_harness_push_and_pull(h.get(), crop(255, 0, face_missing | face_held)));
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(before.get(), GST_BUFFER_FLAG_GAP)) << "no pose is known yet";
  Owned<GstBuffer> seen(gst_harness_push_and_pull(h.get(), crop(102, 1, face_detected)));
  EXPECT_FLOAT_EQ(first_value(seen.get()), 0.4f);
  Owned<GstBuffer> held(gst_harness_push_and_pull(h.get(), crop(255, 2, face_missing | face_held)));
  EXPECT_FLOAT_EQ(first_value(held.get()), 0.4f);
  EXPECT_FALSE(GST_BUFFER_FLAG_IS_SET(held.get(), GST_BUFFER_FLAG_GAP));
  Owned<GstBuffer> nobody(gst_harness_push_and_pull(h.get(), crop(255, 3, face_missing)));
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(nobody.get(), GST_BUFFER_FLAG_GAP));
  EXPECT_FLOAT_EQ(first_value(nobody.get()), 0.0f);
}

TEST_F(PoseTest, WorksOnPlainCropsWithoutMeta) {
  auto h = harness();
  Owned<GstBuffer> out(gst_harness_push_and_pull(
      h.get(), new_frame(cv::Mat(test_image_size, test_image_size, CV_8UC3, cv::Scalar(255, 0, 0)), 0)));
  ASSERT_TRUE(out);
  EXPECT_FLOAT_EQ(first_value(out.get()), 1.0f);
  EXPECT_FALSE(get_face_meta(out.get()));
}

TEST_F(PoseTest, FailsWithoutAModelAndCanBeUsedAgain) {
  auto element = make("reenactpose", "model-file=absent.safetensors");
  EXPECT_EQ(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  EXPECT_NE(error_text().find("absent.safetensors"), std::string::npos);
  gst_element_set_state(element.get(), GST_STATE_NULL);
  g_object_set(element.get(), "model-file", "reenactor.safetensors", nullptr);
  EXPECT_NE(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  gst_element_set_state(element.get(), GST_STATE_NULL);
}

}  // namespace
}  // namespace reenact
