// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstaggregator.h>
#include <gst/video/video.h>

namespace reenact {

/// Puts on the composited picture `out` of format `out_info` what other elements hung on the head and on the
/// driver's frame: metas that do not depend on the picture, and regions of interest of the frame, scaled;
/// besides the face box as region "face". The FaceMeta of `head` ends here, since it holds the driver's
/// picture.
void copy_metas_to_output(GstBuffer* head, GstBuffer* out, const GstVideoInfo& out_info);

/// Puts the timecodes of one buffer on another, so that what travels beside it can be joined to it again.
void copy_timecodes(GstBuffer* from, GstBuffer* to);

/// Answers an allocation query of an aggregator that gives out raw video: downstream's pool, else one of our
/// own.
gboolean decide_video_pool(GstQuery* query);
/// A picture from the pool that was decided on; null while the pool is flushing.
GstBuffer* new_video_buffer(GstAggregator* aggregator, const GstVideoInfo& info);

}  // namespace reenact
