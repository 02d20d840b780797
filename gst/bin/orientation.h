// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace reenact {

/// Turns pictures that come in at a ghost pad of a bin upright, as their image-orientation tag says, or as the child that
/// turns is told. Both children are owned by the bin, and null where they are not installed.
struct Orientation {
  GstElement *input = nullptr, *flip = nullptr;  ///< videoconvert and videoflip

  explicit operator bool() const { return input && flip; }
};

/// Readies the two children, which are in `bin`, and links them to each other. They stand between `ghost` and its target
/// only where pictures have to be turned: not every format passes them, nor what other elements hung on the frames.
/// `orientation` has to live as long as the pad.
void watch_orientation(GstBin* bin, GstPad* ghost, const Orientation* orientation);

/// Takes the children out of the way and returns the ghost pad's own target.
GstPad* bypass_orientation(GstPad* ghost, const Orientation& orientation);

/// The next stream may be upright.
void forget_orientation(GstPad* ghost, const Orientation& orientation);

}  // namespace reenact
