// SPDX-License-Identifier: LGPL-2.1-or-later
// The presets of reenactbin that are shipped.
#include <algorithm>
#include <string>
#include <vector>

#include "element_test.h"

namespace reenact {
namespace {

class PresetTest : public ElementTest {
 protected:
  void SetUp() override { bin_ = make("reenactbin", "identity-file=red.safetensors"); }
  bool load(const char* name) { return gst_preset_load_preset(GST_PRESET(bin_.get()), name); }
  std::string text(const char* property) {
    GValue value = G_VALUE_INIT;
    gst_child_proxy_get_property(GST_CHILD_PROXY(bin_.get()), property, &value);
    gchar* serialised = gst_value_serialize(&value);
    const std::string result = serialised ? serialised : "";
    g_free(serialised);
    g_value_unset(&value);
    return result;
  }
  std::string nick(const char* property) {
    int value = 0;
    g_object_get(bin_.get(), property, &value, nullptr);
    const GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(bin_.get()), property);
    return g_enum_get_value(G_PARAM_SPEC_ENUM(spec)->enum_class, value)->value_nick;
  }
  Owned<GstElement> bin_;
};

TEST_F(PresetTest, FourAreFound) {
  gchar** names = gst_preset_get_preset_names(GST_PRESET(bin_.get()));
  ASSERT_TRUE(names);
  std::vector<std::string> found;
  for (gchar** name = names; *name; ++name) found.emplace_back(*name);
  g_strfreev(names);
  for (const char* wanted : {"streaming", "broadcast", "telepresence", "low-power"})
    EXPECT_NE(std::find(found.begin(), found.end(), wanted), found.end()) << wanted;
}

TEST_F(PresetTest, EachSaysWhatItIsFor) {
  for (const char* name : {"streaming", "broadcast", "telepresence", "low-power"}) {
    gchar* comment = nullptr;
    EXPECT_TRUE(gst_preset_get_meta(GST_PRESET(bin_.get()), name, "comment", &comment)) << name;
    EXPECT_TRUE(comment && *comment) << name;
    g_free(comment);
  }
}

TEST_F(PresetTest, StreamingChangesSoftly) {
  ASSERT_TRUE(load("streaming"));
  EXPECT_EQ(text("identity-transition"), "400");
  EXPECT_EQ(nick("no-face"), "hold");
  EXPECT_EQ(nick("panic-shows"), "background");
  EXPECT_EQ(text("crop::detect-interval"), "5");
}

TEST_F(PresetTest, BroadcastIsKeyAndFill) {
  ASSERT_TRUE(load("broadcast"));
  EXPECT_EQ(nick("background"), "transparent");
  EXPECT_EQ(nick("alpha-mode"), "straight");
  EXPECT_EQ(nick("no-face"), "background");
  EXPECT_EQ(text("identity-transition"), "0");
  EXPECT_EQ(text("crop::detect-interval"), "2");
}

TEST_F(PresetTest, TelepresenceShowsNeitherFaceNorRoom) {
  ASSERT_TRUE(load("telepresence"));
  EXPECT_EQ(nick("background"), "blurred-driver");
  EXPECT_EQ(nick("panic-shows"), "black");
}

TEST_F(PresetTest, LowPowerSearchesSeldomAndSmall) {
  ASSERT_TRUE(load("low-power"));
  EXPECT_EQ(text("crop::detect-interval"), "15");
  EXPECT_EQ(text("crop::detect-size"), "240");
  EXPECT_EQ(nick("background"), "color");
}

TEST_F(PresetTest, TheyCanBeLoadedWhilePlayingOneAfterTheOther) {
  Owned<GstHarness> h(gst_harness_new_with_element(bin_.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), rgb_caps(160, 120).c_str());
  int frame = 0;
  for (const char* name : {"streaming", "telepresence", "low-power", "broadcast", "streaming"}) {
    ASSERT_TRUE(load(name));
    for (int i = 0; i < 3; ++i, ++frame) {
      const Owned<GstBuffer> out(
          gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120, cv::Rect(60, 40, 30, 36)), frame)));
      ASSERT_TRUE(out) << name;
    }
  }
  EXPECT_EQ(error_text(), "");
}

TEST_F(PresetTest, NoneBringsAHeadBackThatWasTakenAway) {
  g_signal_emit_by_name(bin_.get(), "panic");
  ASSERT_TRUE(gst_preset_save_preset(GST_PRESET(bin_.get()), "my own"));
  for (const char* name : {"streaming", "broadcast", "telepresence", "low-power", "my own"}) {
    ASSERT_TRUE(load(name));
    EXPECT_EQ(text("panic"), "true") << name;
  }
  gchar** names = gst_preset_get_property_names(GST_PRESET(bin_.get()));
  for (gchar** name = names; *name; ++name) EXPECT_EQ(std::string(*name).find("panic::"), std::string::npos);
  EXPECT_FALSE(g_strv_contains(names, "panic"));
  EXPECT_TRUE(g_strv_contains(names, "opacity"));
  g_strfreev(names);
  g_object_set(bin_.get(), "panic", FALSE, nullptr);
  ASSERT_TRUE(load("my own"));
  EXPECT_EQ(text("panic"), "false");
  EXPECT_TRUE(gst_preset_delete_preset(GST_PRESET(bin_.get()), "my own"));
}

TEST_F(PresetTest, OneOfOnesOwnKeepsWhatWasSet) {
  g_object_set(bin_.get(), "opacity", 0.25, "mouth-strength", 1.5, nullptr);
  gst_child_proxy_set(GST_CHILD_PROXY(bin_.get()), "crop::crop-scale", 2.5, nullptr);
  ASSERT_TRUE(gst_preset_save_preset(GST_PRESET(bin_.get()), "kept"));
  const auto other = make("reenactbin", "");
  ASSERT_TRUE(gst_preset_load_preset(GST_PRESET(other.get()), "kept"));
  double opacity = 0, mouth = 0, scale = 0;
  g_object_get(other.get(), "opacity", &opacity, "mouth-strength", &mouth, nullptr);
  gst_child_proxy_get(GST_CHILD_PROXY(other.get()), "crop::crop-scale", &scale, nullptr);
  EXPECT_EQ(opacity, 0.25);
  EXPECT_EQ(mouth, 1.5);
  EXPECT_EQ(scale, 2.5);
  EXPECT_TRUE(gst_preset_delete_preset(GST_PRESET(bin_.get()), "kept"));
}

}  // namespace
}  // namespace reenact
