// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#include <filesystem>

#include "base/processing_latency.h"
#include "base/rehearsal.h"
#include "reenact/engine.h"

namespace reenact {

/// What became of a frame.
struct Processed {
  GstFlowReturn flow = GST_FLOW_OK;
  bool network_ran = true;  ///< whether it was worked on
  bool too_late = false;    ///< left out, since it came too late to be worked on
};

/// Base of the elements that run a network on every buffer.
///
/// It holds the properties of the engine, loads the model on the way to PAUSED, negotiates (the framerate
/// goes through, all else is what caps_for() says), rehearses the network and answers latency queries from that,
/// counts frames (property stats), syncs controllers, drops late frames and turns exceptions into messages on the
/// bus.
struct ReenactNetworkFilter {
  struct Private;
  GstBaseTransform parent;
  GstVideoInfo in_info, out_info;  ///< of the negotiated caps; of width 0 where they are no video
  Private* p;
};

struct ReenactNetworkFilterClass {
  GstBaseTransformClass parent_class;
  const char* default_model;   ///< given to network_filter_install_properties()
  GstDebugCategory* category;  ///< of the element

  /// Loads what model-file names, on the way to PAUSED; may throw Error. The result lives until unload().
  const Network& (*load)(ReenactNetworkFilter* filter, const std::filesystem::path& model,
                         const EngineOptions& options);
  /// Readies a run of the loaded network as a frame would be, which leaves no trace in the stream; both may throw.
  /// Null: nothing is known of its time.
  Rehearsal (*rehearse)(ReenactNetworkFilter* filter);
  /// Drops the network and what is known of the stream.
  void (*unload)(ReenactNetworkFilter* filter);
  /// What the pad of that direction takes or gives, without regard to the other one; a new reference.
  GstCaps* (*caps_for)(ReenactNetworkFilter* filter, GstPadDirection direction);
  /// Takes new caps, after in_info and out_info are set; may throw Error. Null: nothing to do.
  gboolean (*configure)(ReenactNetworkFilter* filter, GstCaps* in, GstCaps* out);
  /// Fills `out` from `in`; may throw Error.
  Processed (*process)(ReenactNetworkFilter* filter, GstBuffer* in, GstBuffer* out);
  /// Sets and gets a property of the element's own, with the object's lock held; false for others. Null: it
  /// has none.
  bool (*set_setting)(ReenactNetworkFilter* filter, guint id, const GValue* value);
  bool (*get_setting)(ReenactNetworkFilter* filter, guint id, GValue* value);
};

GType reenact_network_filter_get_type();

/// Installs the properties of the engine, to be called by the class_init of every element.
/// `model_description` says what model-file is. The element's own properties begin at first_own_property.
void network_filter_install_properties(ReenactNetworkFilterClass* filter_class, const char* model_description,
                                       const char* default_model);

/// Installs the element's own properties, of a table that begins at first_own_property, over the settings that
/// `settings_of` gives for an instance; these are set and read with the object's lock held.
template <const auto& properties, auto settings_of>
void network_filter_install_settings(ReenactNetworkFilterClass* filter_class) {
  filter_class->set_setting = [](ReenactNetworkFilter* filter, guint id, const GValue* value) {
    return properties.set(settings_of(filter), id, value);
  };
  filter_class->get_setting = [](ReenactNetworkFilter* filter, guint id, GValue* value) {
    return properties.get(settings_of(filter), id, value);
  };
  properties.install(G_OBJECT_CLASS(filter_class));
}

/// What the element adds to the latency, and what is known of the pipeline's.
ProcessingLatency& network_filter_latency(ReenactNetworkFilter* filter);

/// Posts a QoS message: `buffer` was left out since it came `lateness` too late.
void network_filter_post_qos(ReenactNetworkFilter* filter, GstBuffer* buffer, GstClockTimeDiff lateness);

/// Where model-file is found now. Throws Error (not_found).
std::filesystem::path network_filter_model_path(ReenactNetworkFilter* filter);

}  // namespace reenact
