// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <string>

#include "media/owned.h"

namespace reenact::media {

/// A new element that is not yet in a bin. Throws Error (unsupported) when its plugin is not installed.
GstElement* make_element(const char* factory);

/// The text of a message of type error in one line.
std::string sentence_of(GstMessage* message);

/// A pipeline that is stopped before it goes. The first one initialises GStreamer, which takes longer than most commands
/// do; throws Error (unsupported) when it does not start.
class Pipeline {
 public:
  Pipeline();
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Takes the element over.
  GstElement* add(GstElement* element);
  void set_state(GstState state) { gst_element_set_state(pipeline_.get(), state); }
  /// The next message of these types, or null after `timeout`.
  Owned<GstMessage> wait(GstMessageType types, GstClockTime timeout);
  GstElement* get() const { return pipeline_.get(); }

 private:
  Owned<GstElement> pipeline_;
  Owned<GstBus> bus_;
};

}  // namespace reenact::media
