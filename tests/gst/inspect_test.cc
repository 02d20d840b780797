// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// Elements of the plugin, made once for each test.
class InspectTest : public ::testing::Test {
 protected:
  InspectTest() {
    GList* features = gst_registry_get_feature_list_by_plugin(gst_registry_get(), "reenact");
    for (GList* item = features; item; item = item->next) {
      if (!GST_IS_ELEMENT_FACTORY(item->data)) continue;
      GstElement* element = gst_element_factory_create(GST_ELEMENT_FACTORY(item->data), nullptr);
      if (element) elements_[GST_OBJECT_NAME(item->data)] = element;
    }
    gst_plugin_feature_list_free(features);
  }
  ~InspectTest() override {
    for (auto& [name, element] : elements_) gst_object_unref(element);
  }
  std::vector<GParamSpec*> own_properties(GstElement* element) const {
    guint count = 0;
    GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
    std::vector<GParamSpec*> own;
    for (guint i = 0; i < count; ++i) {
      if (g_str_has_prefix(g_type_name(specs[i]->owner_type), "Reenact")) own.push_back(specs[i]);
    }
    g_free(specs);
    std::sort(own.begin(), own.end(),
              [](GParamSpec* a, GParamSpec* b) { return std::string(a->name) < b->name; });
    return own;
  }
  std::map<std::string, GstElement*> elements_;
};

TEST_F(InspectTest, HasEveryElement) {
  std::vector<std::string> names;
  for (const auto& [name, element] : elements_) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"reenactbin", "reenactcompositor", "reenactcrop",
                                             "reenactdecodebin", "reenactgenerator", "reenactidentity",
                                             "reenactpose", "reenactposedec", "reenactposeenc",
                                             "reenactposefilter", "reenactposesink", "reenactposesrc"}));
}

TEST_F(InspectTest, EveryPropertyIsDescribedAndSaysWhenItMayChange) {
  for (const auto& [name, element] : elements_) {
    for (GParamSpec* spec : own_properties(element)) {
      const std::string where = name + "." + spec->name;
      const char* blurb = g_param_spec_get_blurb(spec);
      EXPECT_TRUE(blurb && std::string(blurb).size() > 10) << where;
      EXPECT_STRNE(g_param_spec_get_nick(spec), spec->name) << where;
      if (spec->flags & G_PARAM_WRITABLE) {
        EXPECT_TRUE(spec->flags &
                    (GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PAUSED | GST_PARAM_MUTABLE_PLAYING))
            << where;
      }
      if (spec->flags & GST_PARAM_CONTROLLABLE) {
        EXPECT_TRUE(spec->flags & GST_PARAM_MUTABLE_PLAYING) << where;
      }
      const std::string property = spec->name;
      EXPECT_TRUE(property != "silent" && property != "debug") << where;
    }
    for (const char* key : {GST_ELEMENT_METADATA_LONGNAME, GST_ELEMENT_METADATA_KLASS,
                            GST_ELEMENT_METADATA_DESCRIPTION, GST_ELEMENT_METADATA_AUTHOR}) {
      const char* text = gst_element_get_metadata(element, key);
      EXPECT_TRUE(text && *text) << name << " " << key;
    }
  }
}

TEST_F(InspectTest, DefaultsAreWhatANewElementHas) {
  for (const auto& [name, element] : elements_) {
    for (GParamSpec* spec : own_properties(element)) {
      if (spec->value_type == GST_TYPE_STRUCTURE) continue;  // what is counted has no default
      GValue value = G_VALUE_INIT;
      g_value_init(&value, spec->value_type);
      g_object_get_property(G_OBJECT(element), spec->name, &value);
      EXPECT_TRUE(g_param_value_defaults(spec, &value)) << name << "." << spec->name;
      g_value_unset(&value);
    }
  }
}

/// A registry made from nothing by gst-inspect-1.0, with the loader's own record of every file it opened.
TEST(RegistryScan, LoadsNoLibTorch) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "gst-inspect-1.0 has no sanitizer and cannot load the plugin";
#endif
  gchar* inspect = g_find_program_in_path("gst-inspect-1.0");
  if (!inspect) GTEST_SKIP() << "gst-inspect-1.0 is not installed";
  const fs::path folder = fs::temp_directory_path() / ("reenact-scan-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  const std::string command = "GST_REGISTRY='" + (folder / "registry.bin").string() +
                              "' LD_DEBUG=files LD_DEBUG_OUTPUT='" + (folder / "loader").string() + "' '" +
                              inspect + "' reenactgenerator > '" + (folder / "inspect.txt").string() +
                              "' 2>&1";
  g_free(inspect);
  ASSERT_EQ(std::system(command.c_str()), 0);
  bool plugin_seen = false;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with("loader")) continue;
    std::ifstream log(entry.path());
    for (std::string line; std::getline(log, line);) {
      plugin_seen = plugin_seen || line.find("libgstreenact") != std::string::npos;
      for (const char* library : {"libtorch", "libc10", "libreenact-torch"}) {
        EXPECT_EQ(line.find(library), std::string::npos) << line;
      }
    }
  }
  EXPECT_TRUE(plugin_seen);
  fs::remove_all(folder);
}

}  // namespace
