// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <vector>

#include "media/owned.h"

namespace reenact::media {

/// The decoder or parser behind a pad of decodebin; null where there is none.
Owned<GstElement> element_behind(GstPad* pad);

/// Whether a stream is sound, text or subtitles, which need no decoding.
bool is_no_video(GstCaps* caps);

/// Whether a pad of decodebin gives raw video.
bool gives_video(GstPad* pad);

/// The stream that is the clip: the first that is a video rather than a picture (a cover, or a clip of JPEGs, which loses to
/// any other stream). `streams.end()` where there is none.
std::vector<Owned<GstPad>>::const_iterator main_stream(const std::vector<Owned<GstPad>>& streams);

/// Adds a fakesink to `bin` that takes what another stream has decoded; it goes with the bin.
void drain(GstPad* stream, GstBin* bin);

}  // namespace reenact::media
