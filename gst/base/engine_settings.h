// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <filesystem>
#include <string>

#include "base/properties.h"
#include "reenact/engine.h"

namespace reenact {

/// The properties of every element that runs a network: model-file, device, precision, threads,
/// active-device. All but the last are read when the element goes to PAUSED.
struct EngineSettings {
  std::string model_file;
  std::string device = "auto";
  Precision precision = Precision::automatic;
  int threads = 0;
  std::string active_device;  ///< what really runs; empty while nothing is loaded

  EngineOptions options() const;
  /// Where model-file was found. Throws Error (not_found) that lists every place looked at.
  std::filesystem::path model_path() const;

  /// Remembers what really runs, and says so on the bus: element message "reenact-active-device" with the
  /// strings device, engine and model. The lock of `element` is taken.
  void loaded(GstElement* element, const Network& engine, const std::filesystem::path& model);
  void unloaded(GstElement* element);
};

/// Threads where the property is 0 and the pipeline is live: one core is left to whatever else keeps up with time, such as
/// an encoder, if there are more than two; 0, all of them, otherwise.
constexpr int threads_of_live_pipeline(int cores) {
  return cores > 2 ? cores - 1 : 0;
}
static_assert(threads_of_live_pipeline(2) == 0 && threads_of_live_pipeline(3) == 2);

extern const Properties<EngineSettings> engine_properties;
/// The number of the property stats of elements that run a network.
inline constexpr guint stats_property = 6;
/// The number at which an element's own properties begin.
inline constexpr guint first_own_property = 7;

/// Installs engine_properties. `model_description` says what model-file is, e.g. "The S3FD face detector".
void install_engine_properties(GObjectClass* object_class, const char* model_description,
                               const char* default_model);

}  // namespace reenact
