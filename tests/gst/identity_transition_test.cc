// SPDX-License-Identifier: LGPL-2.1-or-later
#include "identity_transition.h"

#include <vector>

#include "element_test.h"
#include "reenact/model_file.h"
#include "stream/identity_event.h"

namespace reenact {
namespace {

std::shared_ptr<Identity> identity_of(std::vector<float> embedding, std::vector<float> rest = {}) {
  auto identity = std::make_shared<Identity>();
  identity->embedding = std::move(embedding);
  identity->neutral_pose = std::move(rest);
  return identity;
}

TEST(IdentityTransition, GoesFromOneToTheOtherInTheTimeGiven) {
  IdentityTransition transition;
  const auto first = identity_of({1, 0}, {4}), second = identity_of({0, 2}, {0});
  transition.begin(first, 200 * GST_MSECOND);
  EXPECT_EQ(transition.at(0), first) << "from nobody at once";
  transition.begin(second, 200 * GST_MSECOND);
  EXPECT_EQ(transition.at(GST_SECOND)->embedding, first->embedding) << "it begins with the next picture";
  const auto middle = transition.at(GST_SECOND + 100 * GST_MSECOND);
  EXPECT_FLOAT_EQ(middle->embedding[0], 0.5f);
  EXPECT_FLOAT_EQ(middle->embedding[1], 1);
  EXPECT_FLOAT_EQ(middle->neutral_pose[0], 2);
  EXPECT_EQ(transition.at(GST_SECOND + 200 * GST_MSECOND), second) << "and ends as it, not as a copy";
  EXPECT_EQ(transition.at(2 * GST_SECOND), second);
}

TEST(IdentityTransition, NeverGoesBackAndBeginsAndEndsSoftly) {
  IdentityTransition transition;
  transition.begin(identity_of({0}), 0);
  transition.begin(identity_of({1}), 1000 * GST_MSECOND);
  float last = 0, largest = 0, first_step = 0;
  for (int i = 0; i <= 25; ++i) {
    const float now = transition.at(i * 40 * GST_MSECOND)->embedding[0];
    EXPECT_GE(now, last);
    largest = std::max(largest, now - last);
    if (i == 1) first_step = now;
    last = now;
  }
  EXPECT_EQ(last, 1);
  EXPECT_LT(first_step, largest / 4);
}

TEST(IdentityTransition, AnotherOneOnTheWayBeginsWhereItIs) {
  IdentityTransition transition;
  transition.begin(identity_of({0}), 0);
  transition.begin(identity_of({1}), 100 * GST_MSECOND);
  transition.at(0);
  const float half = transition.at(50 * GST_MSECOND)->embedding[0];
  EXPECT_FLOAT_EQ(half, 0.5f);
  transition.begin(identity_of({0}), 100 * GST_MSECOND);
  EXPECT_FLOAT_EQ(transition.at(60 * GST_MSECOND)->embedding[0], half);
  EXPECT_EQ(transition.at(160 * GST_MSECOND)->embedding[0], 0);
}

TEST(IdentityTransition, AtOnceForNoTimeForNobodyAndWithoutTimes) {
  IdentityTransition transition;
  const auto one = identity_of({1}), other = identity_of({2});
  transition.begin(one, 0);
  transition.begin(other, 0);
  EXPECT_EQ(transition.at(0), other);
  transition.begin(one, GST_SECOND);
  EXPECT_EQ(transition.at(GST_CLOCK_TIME_NONE), one);
  transition.begin(nullptr, GST_SECOND);
  EXPECT_FALSE(transition.at(0));
  transition.begin(other, GST_SECOND);
  EXPECT_EQ(transition.at(0), other);
}

TEST(IdentityTransition, WeightsOfAPersonsOwnAreNotMixed) {
  IdentityTransition transition;
  const auto one = identity_of({1}), other = identity_of({2});
  other->personal_weights = std::shared_ptr<const ModelFile>(std::shared_ptr<void>(),
                                                             reinterpret_cast<const ModelFile*>(one.get()));
  transition.begin(one, 0);
  transition.begin(other, 100 * GST_MSECOND);
  EXPECT_EQ(transition.at(0), one);
  EXPECT_EQ(transition.at(40 * GST_MSECOND), one);
  EXPECT_EQ(transition.at(60 * GST_MSECOND), other);
}

class TransitionElementTest : public ElementTest {
 protected:
  /// Red and green of the head that is drawn for the pose with that number.
  cv::Vec4b drawn(GstHarness* h, int number) {
    const Owned<GstBuffer> out(gst_harness_push_and_pull(h, new_pose(0.5f, number)));
    const Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
    return picture_of(out.get(), caps.get()).at<cv::Vec4b>(test_image_size / 2, test_image_size / 2);
  }
};

TEST_F(TransitionElementTest, TheHeadGoesOverWithoutAStop) {
  auto element = make("reenactgenerator", "identity-transition=200");
  Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), pose_caps_string().c_str());
  gst_harness_push_event(h.get(), new_identity_event(load_identity(folder() / "red.safetensors")));
  EXPECT_EQ(drawn(h.get(), 0), cv::Vec4b(255, 0, 128, 255));
  gst_harness_push_event(h.get(), new_identity_event(load_identity(folder() / "green.safetensors")));
  int between = 0, last = 255;
  for (int i = 1; i <= 8; ++i) {
    const cv::Vec4b color = drawn(h.get(), i);
    EXPECT_NEAR(color[0] + color[1], 255, 1);
    EXPECT_LE(color[0], last);
    between += color[0] > 10 && color[0] < 245;
    last = color[0];
  }
  EXPECT_GE(between, 3) << "five pictures of 40 ms in 200 ms, the first and the last whole";
  EXPECT_EQ(last, 0);
}

TEST_F(TransitionElementTest, RestingPosesGoOverToo) {
  Identity still;
  still.name = "still";
  still.embedding = {1, 0, 0, 0};
  still.neutral_pose.assign(test_pose_size, 0.0f);
  still.neutral_pose[0] = 0.75f;
  save_identity(folder() / "still.safetensors", still, {});
  auto element = make("reenactgenerator", "identity-transition=400 pose-strength=0");
  Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), pose_caps_string().c_str());
  gst_harness_push_event(h.get(), new_identity_event(load_identity(folder() / "red.safetensors")));
  EXPECT_EQ(drawn(h.get(), 0)[2], 64);
  gst_harness_push_event(h.get(), new_identity_event(load_identity(folder() / "still.safetensors")));
  drawn(h.get(), 1);
  for (int i = 2; i < 6; ++i) drawn(h.get(), i);
  EXPECT_NEAR(drawn(h.get(), 6)[2], 128, 2) << "half way from 0.25 to 0.75";
  EXPECT_EQ(drawn(h.get(), 14)[2], 191);
}

TEST_F(TransitionElementTest, AnIdentityThatDoesNotFitIsToldAtOnce) {
  auto element = make("reenactgenerator", "identity-transition=200");
  Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), pose_caps_string().c_str());
  gst_harness_push_event(h.get(), new_identity_event(load_identity(folder() / "red.safetensors")));
  drawn(h.get(), 0);
  gst_harness_push_event(h.get(), new_identity_event(load_identity(folder() / "long.safetensors")));
  EXPECT_TRUE(message(GST_MESSAGE_WARNING));
}

TEST_F(TransitionElementTest, TheBinKeepsItsHeadWhenTheNextIdentityDoesNotFit) {
  auto element = make("reenactbin", "identity-file=red.safetensors background=color pose-mode=absolute");
  Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), rgb_caps(160, 120).c_str());
  const auto middle = [&](int number) {
    const Owned<GstBuffer> out(
        gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120, cv::Rect(60, 40, 40, 40)), number)));
    if (!out) return cv::Vec3b();
    const Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
    return picture_of(out.get(), caps.get()).at<cv::Vec3b>(60, 80);
  };
  EXPECT_GT(middle(0)[0], 240);
  g_object_set(element.get(), "identity-file", "long.safetensors", nullptr);
  for (int i = 1; i < 4; ++i) ASSERT_GT(middle(i)[0], 240) << error_text();
  EXPECT_TRUE(message(GST_MESSAGE_WARNING));
  EXPECT_EQ(error_text(), "");
  g_object_set(element.get(), "identity-file", "green.safetensors", nullptr);
  EXPECT_GT(middle(4)[1], 240);
}

TEST_F(TransitionElementTest, TheBinSwitchesThroughItsFileProperty) {
  auto element = make("reenactbin",
                      "identity-file=red.safetensors identity-transition=160 background=color "
                      "pose-mode=absolute");
  Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), rgb_caps(160, 120).c_str());
  const auto middle = [&](int number) {
    const Owned<GstBuffer> out(
        gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120, cv::Rect(60, 40, 40, 40)), number)));
    const Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
    return picture_of(out.get(), caps.get()).at<cv::Vec3b>(60, 80);
  };
  EXPECT_GT(middle(0)[0], 240);
  g_object_set(element.get(), "identity-file", "green.safetensors", nullptr);
  int between = 0;
  cv::Vec3b last;
  for (int i = 1; i <= 7; ++i) {
    last = middle(i);
    between += last[0] > 20 && last[1] > 20;
  }
  EXPECT_GE(between, 2);
  EXPECT_GT(last[1], 240);
}

}  // namespace
}  // namespace reenact
