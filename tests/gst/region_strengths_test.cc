// SPDX-License-Identifier: LGPL-2.1-or-later
// Strengths of single regions in reenactgenerator, with a landmark head of which every number moves one thing.
#include "reenact/region_strengths.h"

#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "../support/small_landmark_head.h"
#include "element_test.h"
#include "reenact/config.h"
#include "reenact/identity.h"
#include "reenact/model_file.h"
#include "reenact/safetensors.h"
#include "stream/identity_event.h"

namespace reenact {
namespace {

/// Number 3 of a pose turns the head, 2 opens the mouth, 0 and 1 the lids; the fake generator shows number 0 as blue.
class RegionsElementTest : public ElementTest {
 protected:
  static std::string write_model() {
    ModelInfo info;
    info.kind = ModelKind::reenactor;
    info.config = to_json(fake_reenactor_config());
    info.licence = "CC0-1.0";
    const test::SmallLandmarkHead small;
    const auto view = [](const std::vector<float>& values, std::vector<std::int64_t> shape) {
      return TensorView{DataType::f32,
                        std::move(shape),
                        {reinterpret_cast<const std::byte*>(values.data()), values.size() * sizeof(float)}};
    };
    constexpr std::int64_t rows = 2 * LandmarkHead::point_count;
    write_safetensors(folder() / "landmarks.safetensors",
                      {{"landmark_head.weight", view(small.weight, {rows, test_pose_size})},
                       {"landmark_head.bias", view(small.bias, {rows})}},
                      to_metadata(info));
    return "landmarks.safetensors";
  }
  static GstBuffer* pose(float lids, int number) {
    GstBuffer* buffer = new_pose(lids, number);
    const float mouth = 4, turn = 3;
    gst_buffer_fill(buffer, 2 * sizeof(float), &mouth, sizeof(mouth));
    gst_buffer_fill(buffer, 3 * sizeof(float), &turn, sizeof(turn));
    return buffer;
  }
  /// Number 0 of the pose that was drawn.
  double drawn_lids(GstHarness* h, float lids, int number) {
    const Owned<GstBuffer> out(gst_harness_push_and_pull(h, pose(lids, number)));
    const Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
    return picture_of(out.get(), caps.get()).at<cv::Vec4b>(test_image_size / 2, test_image_size / 2)[2] /
           255.0;
  }
  Owned<GstHarness> harness(const std::string& properties) {
    element_ = make("reenactgenerator", properties);
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
    gst_harness_set_src_caps_str(h.get(), pose_caps_string().c_str());
    gst_harness_push_event(h.get(), new_identity_event(load_identity(folder() / "red.safetensors")));
    return h;
  }
  Owned<GstElement> element_;
};

TEST_F(RegionsElementTest, TheEyesMoveAsFarFromRestAsTheirStrengthSays) {
  // red.safetensors rests at 0.25.
  auto h = harness("model-file=" + write_model());
  EXPECT_NEAR(drawn_lids(h.get(), 0.75f, 0), 0.75, 0.003);
  g_object_set(element_.get(), "eyes-strength", 0.0, nullptr);
  EXPECT_NEAR(drawn_lids(h.get(), 0.75f, 1), 0.25, 0.003);
  g_object_set(element_.get(), "eyes-strength", 0.5, nullptr);
  EXPECT_NEAR(drawn_lids(h.get(), 0.75f, 2), 0.5, 0.003);
  g_object_set(element_.get(), "eyes-strength", 1.5, nullptr);
  EXPECT_NEAR(drawn_lids(h.get(), 0.65f, 3), 0.85, 0.003);
}

TEST_F(RegionsElementTest, OtherRegionsLeaveTheEyesAlone) {
  auto h = harness("model-file=" + write_model() + " mouth-strength=0 bearing-strength=2");
  EXPECT_NEAR(drawn_lids(h.get(), 0.75f, 0), 0.75, 0.003);
  EXPECT_EQ(gst_bus_pop_filtered(bus(), GST_MESSAGE_WARNING), nullptr);
}

TEST_F(RegionsElementTest, AModelWithoutLandmarksSaysSoOnceAndDrawsOn) {
  auto h = harness("mouth-strength=0.5");
  EXPECT_NEAR(drawn_lids(h.get(), 0.75f, 0), 0.75, 0.003);
  drawn_lids(h.get(), 0.75f, 1);
  const Owned<GstMessage> warning(gst_bus_pop_filtered(bus(), GST_MESSAGE_WARNING));
  EXPECT_TRUE(warning);
  EXPECT_EQ(gst_bus_pop_filtered(bus(), GST_MESSAGE_WARNING), nullptr) << "once";
}

TEST_F(RegionsElementTest, TheBinHasThem) {
  auto bin = make("reenactbin", "bearing-strength=0.25 mouth-strength=0.5 eyes-strength=2");
  const Owned<GstElement> generator(gst_bin_get_by_name(GST_BIN(bin.get()), "generator"));
  double bearing = 0, mouth = 0, eyes = 0;
  g_object_get(generator.get(), "bearing-strength", &bearing, "mouth-strength", &mouth, "eyes-strength",
               &eyes, nullptr);
  EXPECT_EQ(bearing, 0.25);
  EXPECT_EQ(mouth, 0.5);
  EXPECT_EQ(eyes, 2);
}

}  // namespace
}  // namespace reenact
