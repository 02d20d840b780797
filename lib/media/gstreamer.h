// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>

namespace reenact::media {

/// Gives one reference back: of GstObjects, and of what is named below.
template <typename T>
struct Unref {
  void operator()(T* object) const { gst_object_unref(object); }
};
template <>
struct Unref<GstBuffer> {
  void operator()(GstBuffer* buffer) const { gst_buffer_unref(buffer); }
};
template <>
struct Unref<GstCaps> {
  void operator()(GstCaps* caps) const { gst_caps_unref(caps); }
};
template <>
struct Unref<GstMessage> {
  void operator()(GstMessage* message) const { gst_message_unref(message); }
};
template <>
struct Unref<GstSample> {
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
};
template <typename T>
using Owned = std::unique_ptr<T, Unref<T>>;

/// Initialises GStreamer when the first clip is opened, since that takes longer than most commands do. Throws Error
/// (unsupported).
void start_gstreamer();

/// A new element that is not yet in a bin. Throws Error (unsupported) when its plugin is not installed.
GstElement* make_element(const char* factory);

/// The text of a message of type error or warning in one line.
std::string sentence_of(GstMessage* message);

/// A pipeline that is stopped before it goes.
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
