// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <filesystem>
#include <string>

#include "reenact/engine.h"

namespace reenact {

/// The properties of every element that runs a network: model-file, device, precision, threads,
/// active-device. All but the last are read when the element goes to PAUSED.
class EngineSettings {
 public:
  /// Property numbers; an element's own begin at first_own_property.
  enum Property : guint {
    model_file_property = 1,
    device_property,
    precision_property,
    threads_property,
    active_device_property,
    first_own_property
  };

  /// `model_description` completes "... of the networks", e.g. "The S3FD detector".
  static void install(GObjectClass* object_class, const char* model_description, const char* default_model);

  explicit EngineSettings(const char* default_model) : model_file_(default_model) {}
  /// True when `id` was one of the above. Called with the object's lock held.
  bool set_property(guint id, const GValue* value);
  bool get_property(guint id, GValue* value) const;

  EngineOptions options() const;
  /// Where model-file was found. Throws Error (not_found) that lists every place looked at.
  std::filesystem::path model_path() const;

  /// Remembers what really runs, and says so on the bus: element message "reenact-active-device" with the
  /// strings device, engine and model. `mutex` of the object is taken.
  void loaded(GstElement* element, const EngineObject& engine, const std::filesystem::path& model);
  void unloaded(GstElement* element);

 private:
  std::string model_file_;
  std::string device_ = "auto";
  Precision precision_ = Precision::automatic;
  int threads_ = 0;
  std::string active_device_;  // empty while nothing is loaded
};

}  // namespace reenact
