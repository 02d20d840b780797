// SPDX-License-Identifier: LGPL-2.1-or-later
// The tables of docs/elements.md say what the elements say. To write them anew after a change:
//     REENACT_UPDATE_DOCS=1 meson test -C build elements
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::string text_of(const GValue& value) {
  if (G_VALUE_HOLDS_STRING(&value)) {
    const char* text = g_value_get_string(&value);
    return text ? text : "none";
  }
  if (G_VALUE_HOLDS_ENUM(&value)) {
    auto* enum_class = static_cast<GEnumClass*>(g_type_class_ref(G_VALUE_TYPE(&value)));
    const GEnumValue* entry = g_enum_get_value(enum_class, g_value_get_enum(&value));
    const std::string nick = entry ? entry->value_nick : "?";
    g_type_class_unref(enum_class);
    return nick;
  }
  if (G_VALUE_HOLDS_BOOLEAN(&value)) return g_value_get_boolean(&value) ? "true" : "false";
  std::ostringstream stream;
  if (G_VALUE_HOLDS_FLOAT(&value)) {
    stream << g_value_get_float(&value);
  } else if (G_VALUE_HOLDS_DOUBLE(&value)) {
    stream << g_value_get_double(&value);
  } else if (G_VALUE_HOLDS_INT(&value)) {
    stream << g_value_get_int(&value);
  } else if (G_VALUE_HOLDS_UINT(&value)) {
    stream << g_value_get_uint(&value);
  } else if (G_VALUE_HOLDS_UINT64(&value)) {
    stream << g_value_get_uint64(&value);
  }
  return stream.str();
}

std::string color(guint value) {
  char text[11];
  g_snprintf(text, sizeof(text), "0x%08x", value);
  return text;
}

std::string default_of(GParamSpec* spec) {
  if (g_str_has_suffix(spec->name, "color") && G_IS_PARAM_SPEC_UINT(spec)) {
    return color(G_PARAM_SPEC_UINT(spec)->default_value);
  }
  return text_of(*g_param_spec_get_default_value(spec));
}

template <typename Spec>
std::string range(const Spec* spec) {
  std::ostringstream stream;
  stream << spec->minimum << " to " << spec->maximum;
  return stream.str();
}

std::string values_of(GParamSpec* spec) {
  if (G_IS_PARAM_SPEC_ENUM(spec)) {
    std::string nicks;
    const GEnumClass* enum_class = G_PARAM_SPEC_ENUM(spec)->enum_class;
    for (guint i = 0; i < enum_class->n_values; ++i) {
      nicks += (i ? ", " : "") + std::string(enum_class->values[i].value_nick);
    }
    return nicks;
  }
  if (G_IS_PARAM_SPEC_BOOLEAN(spec)) return "true, false";
  if (G_IS_PARAM_SPEC_STRING(spec)) return "text";
  if (G_IS_PARAM_SPEC_FLOAT(spec)) return range(G_PARAM_SPEC_FLOAT(spec));
  if (G_IS_PARAM_SPEC_DOUBLE(spec)) return range(G_PARAM_SPEC_DOUBLE(spec));
  if (g_str_has_suffix(spec->name, "color")) return "0xAARRGGBB";
  if (G_IS_PARAM_SPEC_INT(spec)) {
    if (G_PARAM_SPEC_INT(spec)->maximum == G_MAXINT)
      return "from " + std::to_string(G_PARAM_SPEC_INT(spec)->minimum);
    return range(G_PARAM_SPEC_INT(spec));
  }
  if (G_IS_PARAM_SPEC_UINT64(spec)) return "from 0";
  if (G_IS_PARAM_SPEC_UINT(spec)) return range(G_PARAM_SPEC_UINT(spec));
  return g_type_name(spec->value_type);
}

std::string change_of(GParamSpec* spec) {
  if (!(spec->flags & G_PARAM_WRITABLE)) return "read only";
  if (spec->flags & GST_PARAM_CONTROLLABLE) return "always, controllable";
  return spec->flags & GST_PARAM_MUTABLE_PLAYING ? "always" : "below PAUSED";
}

/// Caps as one line, a long list of formats as "any".
std::string caps_text(GstCaps* caps) {
  std::string line;
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    GstStructure* structure = gst_structure_copy(gst_caps_get_structure(caps, i));
    const GValue* formats = gst_structure_get_value(structure, "format");
    if (formats && GST_VALUE_HOLDS_LIST(formats) && gst_value_list_get_size(formats) > 8) {
      gst_structure_set(structure, "format", G_TYPE_STRING, "any", nullptr);
    }
    gst_structure_remove_fields(structure, "width", "height", "framerate", nullptr);
    gchar* text = gst_structure_to_string(structure);
    line += (i ? "; " : "") + std::string(text);
    g_free(text);
    gst_structure_free(structure);
  }
  for (const char* noise : {"(string)", "(int)", "\\ ", ";"}) {
    for (std::size_t at; (at = line.find(noise)) != std::string::npos;)
      line.erase(at, std::string(noise).size());
  }
  return line;
}

std::string pads_table(GstElementFactory* factory) {
  std::ostringstream out;
  out << "| pad | direction | presence | caps |\n|---|---|---|---|\n";
  std::vector<std::string> rows;
  for (const GList* item = gst_element_factory_get_static_pad_templates(factory); item; item = item->next) {
    auto* pad_template = static_cast<GstStaticPadTemplate*>(item->data);
    GstCaps* caps = gst_static_pad_template_get_caps(pad_template);
    rows.push_back(std::string("| `") + pad_template->name_template + "` | " +
                   (pad_template->direction == GST_PAD_SINK ? "sink" : "src") + " | " +
                   (pad_template->presence == GST_PAD_REQUEST ? "on request" : "always") + " | `" +
                   caps_text(caps) + "` |\n");
    gst_caps_unref(caps);
  }
  std::sort(rows.begin(), rows.end());
  for (const std::string& row : rows) out << row;
  return out.str();
}

std::string properties_table(GstElement* element) {
  std::ostringstream out;
  out << "| property | values | default | may change | |\n|---|---|---|---|---|\n";
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
  std::vector<std::string> rows;
  for (guint i = 0; i < count; ++i) {
    GParamSpec* spec = specs[i];
    if (!g_str_has_prefix(g_type_name(spec->owner_type), "Reenact")) continue;
    rows.push_back(std::string("| `") + spec->name + "` | " + values_of(spec) + " | " + default_of(spec) +
                   " | " + change_of(spec) + " | " + g_param_spec_get_blurb(spec) + " |\n");
  }
  g_free(specs);
  std::sort(rows.begin(), rows.end());
  for (const std::string& row : rows) out << row;
  return out.str();
}

std::string signals_list(GstElement* element) {
  std::vector<std::string> lines;  // GLib's order changes with what was registered before
  guint count = 0;
  guint* ids = g_signal_list_ids(G_OBJECT_TYPE(element), &count);
  for (guint i = 0; i < count; ++i) {
    GSignalQuery query;
    g_signal_query(ids[i], &query);
    if (!(query.signal_flags & G_SIGNAL_ACTION)) continue;
    std::ostringstream out;
    out << "Action `" << query.signal_name << "(";
    for (guint n = 0; n < query.n_params; ++n) {
      out << (n ? ", " : "") << g_type_name(query.param_types[n] & ~G_SIGNAL_TYPE_STATIC_SCOPE);
    }
    out << ")` -> " << (query.return_type == G_TYPE_NONE ? "nothing" : g_type_name(query.return_type))
        << ".\n";
    lines.push_back(out.str());
  }
  g_free(ids);
  std::sort(lines.begin(), lines.end());
  return std::accumulate(lines.begin(), lines.end(), std::string());
}

std::string tables_of(const char* name) {
  GstElement* element = gst_element_factory_make(name, nullptr);
  if (!element) return "";
  std::ostringstream out;
  out << gst_element_get_metadata(element, GST_ELEMENT_METADATA_DESCRIPTION) << ".\n\n"
      << pads_table(gst_element_get_factory(element)) << "\n"
      << properties_table(element);
  const std::string actions = signals_list(element);
  if (!actions.empty()) out << "\n" << actions;
  gst_object_unref(element);
  return out.str();
}

TEST(ElementsDoc, SaysWhatTheElementsSay) {
  const std::string path = REENACT_ELEMENTS_DOC;
  std::ifstream file(path);
  ASSERT_TRUE(file) << path;
  std::stringstream whole;
  whole << file.rdbuf();
  file.close();
  std::string doc = whole.str();
  const bool update = std::getenv("REENACT_UPDATE_DOCS") != nullptr;
  for (const char* name : {"reenactbin", "reenactcompositor", "reenactcrop", "reenactdecodebin",
                           "reenactgenerator", "reenactidentity", "reenactpose", "reenactposedec",
                           "reenactposeenc", "reenactposefilter", "reenactposesink", "reenactposesrc"}) {
    const std::string begin = std::string("<!-- begin ") + name + " -->\n",
                      end = std::string("<!-- end ") + name + " -->";
    const std::size_t from = doc.find(begin), to = doc.find(end);
    ASSERT_TRUE(from != std::string::npos && to != std::string::npos) << name << " has no place in " << path;
    const std::size_t start = from + begin.size();
    const std::string wanted = tables_of(name);
    if (update) {
      doc.replace(start, to - start, wanted);
    } else {
      EXPECT_EQ(doc.substr(start, to - start), wanted) << "write it anew with REENACT_UPDATE_DOCS=1";
    }
  }
  if (update) std::ofstream(path) << doc;
}

}  // namespace
