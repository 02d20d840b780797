// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstaggregator.h>
#include <gst/video/video.h>

#include <memory>

#include "base/glib.h"
#include "base/stage_statistics.h"
#include "compositor/background_pad.h"
#include "compositor/head_painter.h"
#include "compositor/key_pad.h"
#include "compositor/output_shape.h"
#include "compositor/picture_latency.h"
#include "compositor/settings.h"

namespace reenact {

/// reenactcompositor: RGBA heads laid over a background, at the size of the driver's frame.
struct ReenactCompositor {
  struct Private;
  GstAggregator parent;
  Private* p;
};
struct ReenactCompositorClass {
  GstAggregatorClass parent_class;
};

struct ReenactCompositor::Private {
  // Under the object's lock.
  CompositorSettings settings;
  bool started = false;
  ReenactBackgroundPad* background_pad = nullptr;
  std::shared_ptr<KeyPad> key_pad;

  GstAggregatorPad* head_pad = nullptr;
  HeadPainter painter;
  GstVideoInfo head_info{}, background_info{};
  Owned<GstCaps> background_caps;
  OutputShape wanted;
  bool negotiated = false;
  PictureLatency latency;
  StageStatistics statistics;
  // To go out after the next picture, once caps and segment went.
  GstEvent *tags = nullptr, *identity = nullptr;

  explicit Private(GstAggregator* aggregator) : latency(aggregator) {}
  ~Private() {
    gst_event_replace(&tags, nullptr);
    gst_event_replace(&identity, nullptr);
  }
};

/// The pad that gives out the key, or null.
std::shared_ptr<KeyPad> key_pad_of(ReenactCompositor* self);

/// The background's pad and the key's; null for a second one of either.
GstAggregatorPad* new_background_pad(ReenactCompositor* self, GstPadTemplate* pad_template);
GstPad* new_key_pad(ReenactCompositor* self, GstPadTemplate* pad_template);
/// Whether `pad` was the key's; the background's is only forgotten.
bool release_pad_of(ReenactCompositor* self, GstPad* pad);

}  // namespace reenact
