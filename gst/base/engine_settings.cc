// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/engine_settings.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/glib.h"
#include "reenact/model_file.h"

namespace reenact {

template <>
GType enum_type<Precision>() {
  static const GEnumValue values[] = {
      enum_value(Precision::automatic, "The fastest that device and model file allow", "auto"),
      enum_value(Precision::fp32, "32-bit floating point", "fp32"),
      enum_value(Precision::bf16, "bfloat16, where the processor has it", "bf16"),
      enum_value(Precision::fp16, "16-bit floating point, on GPUs", "fp16"),
      enum_value(Precision::int8, "8-bit integers, for calibrated model files", "int8"),
      {}};
  static const GType type = register_enum("ReenactPrecision", values);
  return type;
}

namespace {

using Row = Property<EngineSettings>;
constexpr Row table[] = {
    Row("model-file", "Model file",
        ": a path, or a name looked for in the folders of REENACT_MODEL_PATH and among the installed models",
        member<&EngineSettings::model_file>, {}, set_before_paused),
    Row("device", "Device", "Where the network runs: auto, cpu, cuda or cuda:N",
        member<&EngineSettings::device>, {}, set_before_paused),
    Row("precision", "Precision", "Arithmetic of the network", member<&EngineSettings::precision>, {},
        set_before_paused),
    Row("threads", "Threads",
        "Threads for one frame, 0: as many as the process may use, of more than two one fewer in a live pipeline",
        member<&EngineSettings::threads>, {0, 1024}, set_before_paused),
    Row("active-device", "Active device",
        "What the network really runs on, e.g. cpu or cuda:0; null while no model is loaded",
        member<&EngineSettings::active_device>, {}, read_only)};

}  // namespace

constexpr Properties<EngineSettings> engine_properties(table);
static_assert(engine_properties.end_id() == stats_property && stats_property + 1 == first_own_property);

void install_engine_properties(GObjectClass* object_class, const char* model_description,
                               const char* default_model) {
  // The element says what its model is.
  std::array<Property<EngineSettings>, std::size(table)> described;
  std::copy(std::begin(table), std::end(table), described.begin());
  described[0].blurb = g_intern_string((std::string(model_description) + table[0].blurb).c_str());
  EngineSettings defaults;
  defaults.model_file = default_model;
  Properties<EngineSettings>(described).install(object_class, defaults);
}

EngineOptions EngineSettings::options() const {
  EngineOptions options;
  options.device = device.empty() ? "auto" : device;
  options.precision = precision;
  options.threads = threads;
  return options;
}

std::filesystem::path EngineSettings::model_path() const {
  return find_model(model_file);
}

void EngineSettings::loaded(GstElement* element, const Network& engine, const std::filesystem::path& model) {
  {
    const ObjectLock lock(element);
    active_device = engine.active_device();
  }
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
  const ObjectLock lock(element);
  active_device.clear();
}

}  // namespace reenact
