// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>

namespace reenact {

/// Holds the lock of a GstObject to the end of the scope.
class ObjectLock {
 public:
  explicit ObjectLock(gpointer object) : mutex_(GST_OBJECT_GET_LOCK(object)) { g_mutex_lock(mutex_); }
  ~ObjectLock() { g_mutex_unlock(mutex_); }
  ObjectLock(const ObjectLock&) = delete;
  ObjectLock& operator=(const ObjectLock&) = delete;

 private:
  GMutex* mutex_;
};

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

/// A reference that gives itself back.
template <typename T>
using Owned = std::unique_ptr<T, Unref<T>>;

}  // namespace reenact
