// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace reenact::media {

/// Has a parser tell the colors that the video stream itself tells, and the container's only where the stream is silent, as
/// FFmpeg and players do. GStreamer does it the other way round, and its reader of MP4 up to 1.22 at least takes every clip
/// with a `colr` box for one of limited range. Does nothing to other elements.
void prefer_colors_of_stream(GstElement* parser);

}  // namespace reenact::media
