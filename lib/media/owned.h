// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>

namespace reenact {

/// Gives one reference back: of GstObjects (elements, pads, buses, pools), and of what is named below.
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
struct Unref<GstEvent> {
  void operator()(GstEvent* event) const { gst_event_unref(event); }
};
template <>
struct Unref<GstMessage> {
  void operator()(GstMessage* message) const { gst_message_unref(message); }
};
template <>
struct Unref<GstQuery> {
  void operator()(GstQuery* query) const { gst_query_unref(query); }
};
template <>
struct Unref<GstSample> {
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
};

/// A reference that gives itself back.
template <typename T>
using Owned = std::unique_ptr<T, Unref<T>>;

}  // namespace reenact
