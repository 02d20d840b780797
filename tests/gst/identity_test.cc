// SPDX-License-Identifier: LGPL-2.1-or-later
#include <vector>

#include "element_test.h"
#include "reenact/identity.h"
#include "stream/face_meta.h"
#include "stream/identity_event.h"

namespace reenact {
namespace {

class IdentityTest : public ElementTest {
 protected:
  Owned<GstHarness> harness(const std::string& properties) {
    element_ = make("reenactidentity", properties);
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
    gst_harness_set_src_caps_str(h.get(), pose_caps_string().c_str());
    return h;
  }

  /// What came out in order: "b" for a buffer, the name for an identity, "-" for nobody.
  static GstPadProbeReturn note(GstPad*, GstPadProbeInfo* info, gpointer data) {
    auto& order = *static_cast<std::vector<std::string>*>(data);
    if (GST_IS_BUFFER(GST_PAD_PROBE_INFO_DATA(info))) {
      order.push_back("b");
    } else {
      std::shared_ptr<const Identity> identity;
      if (parse_identity_event(GST_PAD_PROBE_INFO_EVENT(info), identity)) {
        order.push_back(identity ? identity->name : "-");
      }
    }
    return GST_PAD_PROBE_OK;
  }
  void watch(GstHarness* h) {
    gst_pad_add_probe(h->sinkpad,
                      GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM), note,
                      &order_, nullptr);
  }
  Owned<GstElement> element_;
  std::vector<std::string> order_;
};

TEST_F(IdentityTest, SendsTheIdentityBeforeTheFirstBufferAndPassesPosesUntouched) {
  auto h = harness("identity-file=red.safetensors");
  watch(h.get());
  GstBuffer* in = new_pose(0.5f, 0);
  Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), in));
  EXPECT_EQ(out.get(), in);
  gst_harness_push(h.get(), new_pose(0.5f, 1));
  EXPECT_EQ(order_, (std::vector<std::string>{"red", "b", "b"}));
}

TEST_F(IdentityTest, SwitchesBetweenTwoBuffersWhilePlaying) {
  auto h = harness("identity-file=red.safetensors");
  watch(h.get());
  gst_harness_push(h.get(), new_pose(0, 0));
  g_object_set(element_.get(), "identity-file", "green.safetensors", nullptr);
  gst_harness_push(h.get(), new_pose(0, 1));
  g_object_set(element_.get(), "identity-file", nullptr, nullptr);
  gst_harness_push(h.get(), new_pose(0, 2));
  EXPECT_EQ(order_, (std::vector<std::string>{"red", "b", "green", "b", "-", "b"}));
}

TEST_F(IdentityTest, GoesOnWithTheIdentityItHasWhenAFileCannotBeUsed) {
  auto h = harness("identity-file=red.safetensors");
  watch(h.get());
  gst_harness_push(h.get(), new_pose(0, 0));
  g_object_set(element_.get(), "identity-file", "detector.safetensors", nullptr);
  gst_harness_push(h.get(), new_pose(0, 1));
  EXPECT_EQ(order_, (std::vector<std::string>{"red", "b", "b"}));
  auto warning = message(GST_MESSAGE_WARNING);
  ASSERT_TRUE(warning);
  gchar* file = nullptr;
  g_object_get(element_.get(), "identity-file", &file, nullptr);
  EXPECT_STREQ(file, "red.safetensors");
  g_free(file);
}

TEST_F(IdentityTest, ErrorsAtStartWithoutAFileOrWithAWrongOne) {
  for (const char* properties :
       {"", "identity-file=absent.safetensors", "identity-file=detector.safetensors"}) {
    auto element = make("reenactidentity", properties);
    EXPECT_EQ(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE) << properties;
    EXPECT_NE(error_text(), "") << properties;
    gst_element_set_state(element.get(), GST_STATE_NULL);
    g_object_set(element.get(), "identity-file", "green.safetensors", nullptr);
    EXPECT_NE(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
    gst_element_set_state(element.get(), GST_STATE_NULL);
  }
}

TEST_F(IdentityTest, KeepsTheIdentityThroughAFlush) {
  auto h = harness("identity-file=red.safetensors");
  gst_harness_push(h.get(), new_pose(0, 0));
  gst_harness_push_event(h.get(), gst_event_new_flush_start());
  gst_harness_push_event(h.get(), gst_event_new_flush_stop(TRUE));
  Owned<GstEvent> event(gst_pad_get_sticky_event(h->sinkpad, GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, 0));
  ASSERT_TRUE(event);
  std::shared_ptr<const Identity> identity;
  ASSERT_TRUE(parse_identity_event(event.get(), identity));
  EXPECT_EQ(identity->name, "red");
}

class EnrolTest : public IdentityTest {
 protected:
  /// reenactidentity with its crops pad; without an identity at first.
  void start() {
    element_ = make("reenactidentity");
    // The pad first: without it and without a file the element refuses to start.
    crops_.reset(gst_harness_new_with_element(element_.get(), "crops", nullptr));
    poses_.reset(gst_harness_new_with_element(element_.get(), "sink", "src"));
    gst_harness_set_src_caps_str(poses_.get(), pose_caps_string().c_str());
    gst_harness_set_src_caps_str(crops_.get(), rgb_caps(test_image_size, test_image_size).c_str());
    watch(poses_.get());
  }
  bool enrol(unsigned count, const char* location = nullptr) {
    gboolean begun = FALSE;
    g_signal_emit_by_name(element_.get(), "enrol", count, location, &begun);
    return begun;
  }
  void push_crop(int red, guint flags = face_detected) {
    GstBuffer* crop = new_frame(cv::Mat(test_image_size, test_image_size, CV_8UC3, cv::Scalar(red, 0, 0)), 0);
    add_face_meta(crop, nullptr, nullptr)->flags = flags;
    EXPECT_EQ(gst_harness_push(crops_.get(), crop), GST_FLOW_OK);
  }
  bool wait_until_enrolled() {
    while (auto told = message(GST_MESSAGE_ELEMENT)) {
      if (gst_message_has_name(told.get(), "reenact-enrolled")) return true;
    }
    return false;
  }
  Owned<GstHarness> poses_, crops_;
};

TEST_F(EnrolTest, LearnsFromTheNextCropsWithAFaceAndSwitches) {
  start();
  gst_harness_push(poses_.get(), new_pose(0, 0));
  push_crop(255);  // before it was asked for
  ASSERT_TRUE(enrol(2, (folder() / "ada.safetensors").c_str()));
  EXPECT_FALSE(enrol(2)) << "one after the other";
  push_crop(255, face_missing);
  push_crop(51);
  push_crop(255, face_missing | face_held);
  push_crop(153);
  ASSERT_TRUE(wait_until_enrolled());
  gst_harness_push(poses_.get(), new_pose(0, 1));
  EXPECT_EQ(order_, (std::vector<std::string>{"-", "b", "ada", "b"}));
  const auto saved = load_identity(folder() / "ada.safetensors");
  EXPECT_NEAR(saved->embedding[0], 0.4, 0.01);
  EXPECT_FALSE(saved->thumbnail.empty());
}

TEST_F(EnrolTest, LearnsFromFewerCropsWhenTheyEnd) {
  start();
  ASSERT_TRUE(enrol(8));
  push_crop(255);
  gst_harness_push_event(crops_.get(), gst_event_new_eos());
  EXPECT_TRUE(wait_until_enrolled());
  EXPECT_EQ(gst_harness_push(poses_.get(), new_pose(0, 0)), GST_FLOW_OK)
      << "the end of the crops is not that of the poses";
}

TEST_F(EnrolTest, WarnsWithoutAModel) {
  start();
  g_object_set(element_.get(), "model-file", "absent.safetensors", nullptr);
  EXPECT_FALSE(enrol(1));
  EXPECT_TRUE(message(GST_MESSAGE_WARNING));
}

TEST_F(EnrolTest, IsNotBegunWithoutThePadOrForNoCrops) {
  auto h = harness("identity-file=red.safetensors");
  EXPECT_FALSE(enrol(1));
  start();
  EXPECT_FALSE(enrol(0));
}

TEST_F(EnrolTest, StopsWhileCollecting) {
  start();
  ASSERT_TRUE(enrol(100));
  push_crop(255);
}

}  // namespace
}  // namespace reenact
