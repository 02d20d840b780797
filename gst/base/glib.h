// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "media/owned.h"

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

/// What the filter of a caps query, which may be null, leaves of `caps`. Takes a reference and gives one.
inline GstCaps* filtered_caps(GstCaps* caps, GstCaps* filter) {
  if (!filter) return caps;
  GstCaps* common = gst_caps_intersect_full(filter, caps, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref(caps);
  return common;
}

}  // namespace reenact
