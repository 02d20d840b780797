// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <optional>

#include "reenact/pose_codec.h"
#include "stream/face_meta.h"

namespace reenact {

/// What a pose buffer says of its frame: pose, placement, face. Throws Error (corrupt) when it does not hold `size` floats.
PoseFrame read_pose_frame(GstBuffer* buffer, int size);

/// A new buffer without times that says what `frame` says; without a pose it is a gap of zeros. Its face meta has a box as
/// large as a crop in the paper's framing has, and no driver's frame.
GstBuffer* new_pose_buffer(const PoseFrame& frame, int size);

/// The placement in a face meta; nothing when its window or frame has no pixels.
std::optional<FacePlacement> placement_of(const FaceMeta& meta);

}  // namespace reenact
