// SPDX-License-Identifier: LGPL-2.1-or-later
#include "compositor/background_pad.h"

#include <atomic>

#include "base/glib.h"
#include "base/time_segment.h"

GST_DEBUG_CATEGORY_EXTERN(reenact_compositor_debug);
#define GST_CAT_DEFAULT reenact_compositor_debug

namespace reenact {
namespace {

constexpr GstClockTime needed_no_longer = 500 * GST_MSECOND;

}  // namespace

struct ReenactBackgroundPad::Private {
  std::atomic<GstClockTime> head_time = GST_CLOCK_TIME_NONE;  // running time of the last head
  std::atomic<GstClockTime> frame_end = GST_CLOCK_TIME_NONE;  // running time up to which the last frame lasts
};

G_DEFINE_TYPE(ReenactBackgroundPad, reenact_background_pad, GST_TYPE_AGGREGATOR_PAD)

GstClockTime running_time_of(GstAggregatorPad* pad, GstBuffer* buffer) {
  if (!GST_BUFFER_PTS_IS_VALID(buffer)) return GST_CLOCK_TIME_NONE;
  const ObjectLock lock(pad);
  return running_time(pad->segment, GST_BUFFER_PTS(buffer));
}

bool background_pad_advance(ReenactBackgroundPad* pad, GstClockTime time, bool timeout,
                            const std::function<void(GstBuffer*)>& show) {
  auto* aggregator_pad = GST_AGGREGATOR_PAD(pad);
  ReenactBackgroundPad::Private& p = *pad->p;
  p.head_time = time;
  while (GstBuffer* frame = gst_aggregator_pad_peek_buffer(aggregator_pad)) {
    const bool timeless = !GST_BUFFER_PTS_IS_VALID(frame);
    const GstClockTime begin = running_time_of(aggregator_pad, frame);
    if (GST_CLOCK_TIME_IS_VALID(begin) && GST_CLOCK_TIME_IS_VALID(time) && begin > time) {
      gst_buffer_unref(frame);
      return true;
    }
    gst_aggregator_pad_drop_buffer(aggregator_pad);
    if (timeless || GST_CLOCK_TIME_IS_VALID(begin)) {  // else it lies outside the segment
      const bool lasts = GST_CLOCK_TIME_IS_VALID(begin) && GST_BUFFER_DURATION_IS_VALID(frame);
      p.frame_end = lasts ? begin + GST_BUFFER_DURATION(frame) : GST_CLOCK_TIME_NONE;
      // An empty one was made of a gap event: the frame before it stays.
      if (gst_buffer_get_size(frame) > 0) show(frame);
    }
    gst_buffer_unref(frame);
    if (timeless) return true;  // one for every head
  }
  if (timeout || !GST_CLOCK_TIME_IS_VALID(time) || gst_aggregator_pad_is_eos(aggregator_pad)) return true;
  const GstClockTime end = p.frame_end;
  return GST_CLOCK_TIME_IS_VALID(end) && end > time;
}

void background_pad_forget(ReenactBackgroundPad* pad) {
  pad->p->head_time = GST_CLOCK_TIME_NONE;
  pad->p->frame_end = GST_CLOCK_TIME_NONE;
}

static gboolean skip_buffer(GstAggregatorPad* pad, GstAggregator*, GstBuffer* buffer) {
  const GstClockTime head_time = reinterpret_cast<ReenactBackgroundPad*>(pad)->p->head_time;
  if (!GST_CLOCK_TIME_IS_VALID(head_time) || !GST_BUFFER_PTS_IS_VALID(buffer)) return FALSE;
  const GstClockTime time = running_time(pad->segment, GST_BUFFER_PTS(buffer));
  const bool skipped = GST_CLOCK_TIME_IS_VALID(time) && time + needed_no_longer < head_time;
  if (skipped) {
    GST_DEBUG_OBJECT(pad,
                     "Skips the frame of running time %" GST_TIME_FORMAT ", heads are at %" GST_TIME_FORMAT,
                     GST_TIME_ARGS(time), GST_TIME_ARGS(head_time));
  }
  return skipped;
}

static void finalize(GObject* object) {
  delete reinterpret_cast<ReenactBackgroundPad*>(object)->p;
  G_OBJECT_CLASS(reenact_background_pad_parent_class)->finalize(object);
}

static void reenact_background_pad_class_init(ReenactBackgroundPadClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = finalize;
  GST_AGGREGATOR_PAD_CLASS(klass)->skip_buffer = skip_buffer;
}

static void reenact_background_pad_init(ReenactBackgroundPad* pad) {
  pad->p = new ReenactBackgroundPad::Private;
}

}  // namespace reenact
