// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/engine_settings.h"

#include "enum_types.h"
#include "reenact/model_file.h"

namespace reenact {
namespace {

constexpr auto set_before_paused =
    GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

std::string string_of(const GValue* value) {
  const char* text = g_value_get_string(value);
  return text ? text : "";
}

}  // namespace

void EngineSettings::install(GObjectClass* object_class, const char* model_description,
                             const char* default_model) {
  const std::string blurb =
      std::string(model_description) +
      ": a path, or a name looked for in the folders of REENACT_MODEL_PATH and among the installed models";
  g_object_class_install_property(
      object_class, model_file_property,
      g_param_spec_string("model-file", "Model file", g_intern_string(blurb.c_str()), default_model,
                          set_before_paused));
  g_object_class_install_property(
      object_class, device_property,
      g_param_spec_string("device", "Device", "Where the network runs: auto, cpu, cuda or cuda:N", "auto",
                          set_before_paused));
  g_object_class_install_property(
      object_class, precision_property,
      g_param_spec_enum("precision", "Precision", "Arithmetic of the network", precision_get_type(),
                        static_cast<gint>(Precision::automatic), set_before_paused));
  g_object_class_install_property(
      object_class, threads_property,
      g_param_spec_int("threads", "Threads", "Threads for one frame, 0: as many as the process may use", 0,
                       1024, 0, set_before_paused));
  g_object_class_install_property(
      object_class, active_device_property,
      g_param_spec_string(
          "active-device", "Active device",
          "What the network really runs on, e.g. cpu or cuda:0; null while no model is loaded", nullptr,
          GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

bool EngineSettings::set_property(guint id, const GValue* value) {
  switch (id) {
    case model_file_property:
      model_file_ = string_of(value);
      return true;
    case device_property:
      device_ = string_of(value);
      return true;
    case precision_property:
      precision_ = static_cast<Precision>(g_value_get_enum(value));
      return true;
    case threads_property:
      threads_ = g_value_get_int(value);
      return true;
    default:
      return false;
  }
}

bool EngineSettings::get_property(guint id, GValue* value) const {
  switch (id) {
    case model_file_property:
      g_value_set_string(value, model_file_.c_str());
      return true;
    case device_property:
      g_value_set_string(value, device_.c_str());
      return true;
    case precision_property:
      g_value_set_enum(value, static_cast<gint>(precision_));
      return true;
    case threads_property:
      g_value_set_int(value, threads_);
      return true;
    case active_device_property:
      g_value_set_string(value, active_device_.empty() ? nullptr : active_device_.c_str());
      return true;
    default:
      return false;
  }
}

EngineOptions EngineSettings::options() const {
  EngineOptions options;
  options.device = device_.empty() ? "auto" : device_;
  options.precision = precision_;
  options.threads = threads_;
  return options;
}

std::filesystem::path EngineSettings::model_path() const {
  return find_model(model_file_);
}

void EngineSettings::loaded(GstElement* element, const EngineObject& engine,
                            const std::filesystem::path& model) {
  GST_OBJECT_LOCK(element);
  active_device_ = engine.active_device();
  GST_OBJECT_UNLOCK(element);
  g_object_notify(G_OBJECT(element), "active-device");
  gst_element_post_message(
      element,
      gst_message_new_element(
          GST_OBJECT(element),
          gst_structure_new("reenact-active-device", "device", G_TYPE_STRING, engine.active_device().c_str(),
                            "engine", G_TYPE_STRING, engine.active_engine().c_str(), "model", G_TYPE_STRING,
                            model.string().c_str(), nullptr)));
}

void EngineSettings::unloaded(GstElement* element) {
  GST_OBJECT_LOCK(element);
  active_device_.clear();
  GST_OBJECT_UNLOCK(element);
}

}  // namespace reenact
