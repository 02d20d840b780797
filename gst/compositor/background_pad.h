// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstaggregator.h>

#include <functional>

namespace reenact {

/// The background pad of reenactcompositor.
///
/// In a live pipeline it lets go of frames that heads have long passed by, so that a background that comes
/// faster than the heads does not fall behind more and more.
struct ReenactBackgroundPad {
  struct Private;
  GstAggregatorPad parent;
  Private* p;
};
struct ReenactBackgroundPadClass {
  GstAggregatorPadClass parent_class;
};
GType reenact_background_pad_get_type();

/// Running time of `buffer` on `pad`; none without a timestamp or outside the segment.
GstClockTime running_time_of(GstAggregatorPad* pad, GstBuffer* buffer);

/// Takes the frames that are due at running time `time` (none: whatever is there) off the pad and gives them
/// to `show` in order. False when another one may be due that has not come yet; never so when `timeout` is
/// set, after the end of the stream, and while the frame shown lasts.
bool background_pad_advance(ReenactBackgroundPad* pad, GstClockTime time, bool timeout,
                            const std::function<void(GstBuffer*)>& show);

/// Forgets how long the last frame lasts.
void background_pad_forget(ReenactBackgroundPad* pad);

}  // namespace reenact
