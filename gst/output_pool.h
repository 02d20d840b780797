// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstaggregator.h>
#include <gst/video/video.h>

namespace reenact {

/// Answers an allocation query of an aggregator that gives out raw video: downstream's pool, else one of our
/// own.
gboolean decide_video_pool(GstQuery* query);
/// A picture from the pool that was decided on; null while the pool is flushing.
GstBuffer* new_video_buffer(GstAggregator* aggregator, const GstVideoInfo& info);

}  // namespace reenact
