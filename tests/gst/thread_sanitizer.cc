// SPDX-License-Identifier: LGPL-2.1-or-later
// Only in builds with -Db_sanitize=thread. ThreadSanitizer knows the locks of pthread, but GLib makes its own of
// futexes and is not compiled for it, as GStreamer is not. So the functions below stand before those of GLib and
// tell it what they order: locks, conditions, queues, and references, whose last one frees what another thread
// has used. Calls within GLib itself do not come here.
#include <dlfcn.h>
#include <glib-object.h>
#include <gst/gst.h>
#include <sanitizer/tsan_interface.h>

namespace {

template <typename Function>
Function* original(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define ORIGINAL(name)                                   \
  static const auto real_##name = original(name, #name); \
  real_##name

#define TAKES(name, Type) \
  void name(Type* lock) { \
    ORIGINAL(name)(lock); \
    __tsan_acquire(lock); \
  }
#define TRIES(name, Type)                           \
  gboolean name(Type* lock) {                       \
    static const auto real = original(name, #name); \
    const gboolean taken = real(lock);              \
    if (taken) __tsan_acquire(lock);                \
    return taken;                                   \
  }
#define GIVES(name, Type) \
  void name(Type* lock) { \
    __tsan_release(lock); \
    ORIGINAL(name)(lock); \
  }

extern "C" {

TAKES(g_mutex_lock, GMutex)
TRIES(g_mutex_trylock, GMutex)
GIVES(g_mutex_unlock, GMutex)
TAKES(g_rec_mutex_lock, GRecMutex)
TRIES(g_rec_mutex_trylock, GRecMutex)
GIVES(g_rec_mutex_unlock, GRecMutex)
TAKES(g_rw_lock_reader_lock, GRWLock)
GIVES(g_rw_lock_reader_unlock, GRWLock)
TAKES(g_rw_lock_writer_lock, GRWLock)
GIVES(g_rw_lock_writer_unlock, GRWLock)

void g_cond_wait(GCond* condition, GMutex* mutex) {
  __tsan_release(mutex);
  ORIGINAL(g_cond_wait)(condition, mutex);
  __tsan_acquire(mutex);
}
gboolean g_cond_wait_until(GCond* condition, GMutex* mutex, gint64 end) {
  static const auto real = original(g_cond_wait_until, "g_cond_wait_until");
  __tsan_release(mutex);
  const gboolean woken = real(condition, mutex, end);
  __tsan_acquire(mutex);
  return woken;
}

// GstHarness hands its buffers over in these.
void g_async_queue_push(GAsyncQueue* queue, gpointer data) {
  __tsan_release(queue);
  ORIGINAL(g_async_queue_push)(queue, data);
}
gpointer g_async_queue_try_pop(GAsyncQueue* queue) {
  static const auto real = original(g_async_queue_try_pop, "g_async_queue_try_pop");
  gpointer data = real(queue);
  __tsan_acquire(queue);
  return data;
}
gpointer g_async_queue_timeout_pop(GAsyncQueue* queue, guint64 timeout) {
  static const auto real = original(g_async_queue_timeout_pop, "g_async_queue_timeout_pop");
  gpointer data = real(queue, timeout);
  __tsan_acquire(queue);
  return data;
}

void gst_mini_object_unref(GstMiniObject* object) {
  __tsan_release(object);
  __tsan_acquire(object);
  ORIGINAL(gst_mini_object_unref)(object);
}
#undef g_object_unref
void g_object_unref(gpointer object) {
  __tsan_release(object);
  __tsan_acquire(object);
  ORIGINAL(g_object_unref)(object);
}
void gst_object_unref(gpointer object) {
  __tsan_release(object);
  __tsan_acquire(object);
  ORIGINAL(gst_object_unref)(object);
}

}  // extern "C"
