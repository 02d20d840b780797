// SPDX-License-Identifier: LGPL-2.1-or-later
// Every number that may change while playing follows a controller, at the time of the frame that is worked on.
#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include <functional>
#include <string>
#include <vector>

#include "element_test.h"
#include "reenact/identity.h"
#include "stream/face_meta.h"
#include "stream/identity_event.h"

namespace reenact {
namespace {

bool is_number(const GParamSpec* spec) {
  for (const GType type : {G_TYPE_INT, G_TYPE_UINT, G_TYPE_FLOAT, G_TYPE_DOUBLE, G_TYPE_INT64, G_TYPE_UINT64})
    if (spec->value_type == type) return true;
  return false;
}

/// Numbers of the plugin's own that may be set while playing.
std::vector<std::string> numbers_of(GstElement* element) {
  std::vector<std::string> names;
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
  for (guint i = 0; i < count; ++i) {
    const std::string owner = g_type_name(specs[i]->owner_type);
    if (owner.starts_with("Reenact") && is_number(specs[i]) && (specs[i]->flags & G_PARAM_WRITABLE) &&
        (specs[i]->flags & GST_PARAM_MUTABLE_PLAYING) == GST_PARAM_MUTABLE_PLAYING)
      names.emplace_back(specs[i]->name);
  }
  g_free(specs);
  return names;
}

double number(GObject* object, const std::string& name) {
  GValue value = G_VALUE_INIT;
  g_value_init(&value, G_TYPE_DOUBLE);
  g_object_get_property(object, name.c_str(), &value);
  const double result = g_value_get_double(&value);
  g_value_unset(&value);
  return result;
}

/// Moves a number from its least (share 0) to its greatest value (share 1); here from 0.25 at once to 0.5 after a second.
void bind(GstElement* element, const std::string& name) {
  GstControlSource* source = gst_interpolation_control_source_new();
  g_object_set(source, "mode", GST_INTERPOLATION_MODE_NONE, nullptr);
  auto* timed = GST_TIMED_VALUE_CONTROL_SOURCE(source);
  gst_timed_value_control_source_set(timed, 0, 0.25);
  gst_timed_value_control_source_set(timed, GST_SECOND, 0.5);
  ASSERT_TRUE(gst_object_add_control_binding(
      GST_OBJECT(element), gst_direct_control_binding_new(GST_OBJECT(element), name.c_str(), source)))
      << name;
  gst_object_unref(source);
}

double share_of(GstElement* element, const std::string& name) {
  const GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), name.c_str());
  double least = 0, most = 1;
  if (G_IS_PARAM_SPEC_INT(spec)) {
    least = G_PARAM_SPEC_INT(spec)->minimum;
    most = G_PARAM_SPEC_INT(spec)->maximum;
  } else if (G_IS_PARAM_SPEC_UINT(spec)) {
    least = G_PARAM_SPEC_UINT(spec)->minimum;
    most = G_PARAM_SPEC_UINT(spec)->maximum;
  } else if (G_IS_PARAM_SPEC_FLOAT(spec)) {
    least = G_PARAM_SPEC_FLOAT(spec)->minimum;
    most = G_PARAM_SPEC_FLOAT(spec)->maximum;
  } else if (G_IS_PARAM_SPEC_DOUBLE(spec)) {
    least = G_PARAM_SPEC_DOUBLE(spec)->minimum;
    most = G_PARAM_SPEC_DOUBLE(spec)->maximum;
  }
  return (number(G_OBJECT(element), name) - least) / (most - least);
}

class ControllerTest : public ElementTest {
 protected:
  struct Case {
    const char *factory, *properties;
    std::string caps;
    std::function<GstBuffer*(int)> input;
    std::vector<const char*> heavy;  // numbers whose middle is more than a test can bear
  };
  static std::vector<Case> cases() {
    const auto frame = [](int number) {
      return new_frame(scene(160, 120, cv::Rect(60, 40, 30, 36)), number);
    };
    const auto head = [](int number) {
      return new_frame(cv::Mat(32, 32, CV_8UC4, cv::Scalar(200, 90, 40, 255)), number);
    };
    const auto pose = [](int number) { return new_pose(0.5f, number); };
    return {{"reenactcrop", "", rgb_caps(160, 120), frame, {"size"}},
            {"reenactidentity", "identity-file=red.safetensors", pose_caps_string(), pose, {}},
            {"reenactgenerator", "", pose_caps_string(), pose, {}},
            {"reenactcompositor", "background=color", rgba_caps(32, 32), head, {}},
            {"reenactposefilter", "", pose_caps_string(), pose, {}},
            {"reenactposeenc", "basis=plain", pose_caps_string(), pose, {}},
            {"reenactbin", "identity-file=red.safetensors", rgb_caps(160, 120), frame, {}}};
  }
  static bool contains(const std::vector<const char*>& names, const std::string& name) {
    return std::any_of(names.begin(), names.end(), [&](const char* one) { return name == one; });
  }
};

TEST_F(ControllerTest, EveryNumberThatMayChangeWhilePlayingIsControllable) {
  int numbers = 0;
  GList* factories = gst_registry_get_feature_list(gst_registry_get(), GST_TYPE_ELEMENT_FACTORY);
  for (GList* item = factories; item; item = item->next) {
    const char* name = GST_OBJECT_NAME(item->data);
    if (!g_str_has_prefix(name, "reenact")) continue;
    const auto element = make(name);
    for (const std::string& property : numbers_of(element.get())) {
      const GParamSpec* spec =
          g_object_class_find_property(G_OBJECT_GET_CLASS(element.get()), property.c_str());
      EXPECT_TRUE(spec->flags & GST_PARAM_CONTROLLABLE) << name << "." << property;
      ++numbers;
    }
  }
  gst_plugin_feature_list_free(factories);
  EXPECT_GT(numbers, 45);
}

TEST_F(ControllerTest, EachFollowsItsControllerInTheStreamingThread) {
  int followed = 0;
  for (const Case& one : cases()) {
    for (const std::string& name : numbers_of(make(one.factory).get())) {
      if (contains(one.heavy, name)) continue;
      SCOPED_TRACE(std::string(one.factory) + "." + name);
      const auto element = make(one.factory, one.properties);
      Owned<GstHarness> h(gst_harness_new_with_element(element.get(), "sink", "src"));
      gst_harness_set_src_caps_str(h.get(), one.caps.c_str());
      if (g_str_equal(one.factory, "reenactgenerator"))
        gst_harness_push_event(h.get(), new_identity_event(load_identity(folder() / "red.safetensors")));
      bind(element.get(), name);
      // Two in a row: the compositor and the bin work in threads of their own, and one frame behind.
      for (const int frame : {0, 1}) {
        gst_harness_push(h.get(), one.input(frame));
        const Owned<GstBuffer> out(gst_harness_pull(h.get()));
        EXPECT_TRUE(out);
      }
      EXPECT_NEAR(share_of(element.get(), name), 0.25, 0.005);
      gst_harness_push(h.get(), one.input(26));
      const Owned<GstBuffer> out(gst_harness_pull(h.get()));
      EXPECT_TRUE(out);
      EXPECT_NEAR(share_of(element.get(), name), 0.5, 0.005);
      ++followed;
    }
  }
  EXPECT_GT(followed, 45);
}

TEST_F(ControllerTest, ThePoseDecoderFollowsToo) {
  const auto encoder = make("reenactposeenc", "basis=plain"), decoder = make("reenactposedec", "basis=plain");
  Owned<GstHarness> from(gst_harness_new_with_element(encoder.get(), "sink", "src")),
      to(gst_harness_new_with_element(decoder.get(), "sink", "src"));
  gst_harness_set_src_caps_str(from.get(), pose_caps_string().c_str());
  GstBuffer* coded = gst_harness_push_and_pull(from.get(), new_pose(0.5f, 26));
  const Owned<GstCaps> caps(gst_pad_get_current_caps(from->sinkpad));
  gst_harness_set_src_caps(to.get(), gst_caps_ref(caps.get()));
  bind(decoder.get(), "conceal");
  const Owned<GstBuffer> out(gst_harness_push_and_pull(to.get(), coded));
  EXPECT_NEAR(share_of(decoder.get(), "conceal"), 0.5, 0.005);
}

TEST_F(ControllerTest, ABindingOfTheBinDrawsWhatItSaysAtEachFrame) {
  const auto bin =
      make("reenactbin", "identity-file=red.safetensors background=color background-color=0xff000000");
  Owned<GstHarness> h(gst_harness_new_with_element(bin.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), rgb_caps(160, 120).c_str());
  GstControlSource* source = gst_interpolation_control_source_new();
  g_object_set(source, "mode", GST_INTERPOLATION_MODE_LINEAR, nullptr);
  gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), 0, 0);
  gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), 10 * frame_duration, 1);
  gst_object_add_control_binding(GST_OBJECT(bin.get()),
                                 gst_direct_control_binding_new(GST_OBJECT(bin.get()), "opacity", source));
  gst_object_unref(source);
  for (int i = 0; i <= 10; ++i) {
    const Owned<GstBuffer> out(
        gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120, cv::Rect(60, 40, 40, 40)), i)));
    const Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
    const int red = picture_of(out.get(), caps.get()).at<cv::Vec3b>(60, 80)[0];
    EXPECT_NEAR(red, 25.5 * i, 2) << "the fade is that of the frame, not of the one before";
  }
}

TEST_F(ControllerTest, AChildsOwnBindingTakesThePlaceOfTheBins) {
  const auto bin = make("reenactbin", "identity-file=red.safetensors");
  const Owned<GstElement> compositor(gst_bin_get_by_name(GST_BIN(bin.get()), "compositor"));
  bind(compositor.get(), "opacity");
  Owned<GstHarness> h(gst_harness_new_with_element(bin.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), rgb_caps(160, 120).c_str());
  const Owned<GstBuffer> out(
      gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120, cv::Rect(60, 40, 40, 40)), 0)));
  EXPECT_TRUE(out);
  EXPECT_EQ(number(G_OBJECT(bin.get()), "opacity"), 0.25);
}

}  // namespace
}  // namespace reenact
