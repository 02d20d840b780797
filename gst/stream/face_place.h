// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "stream/face_meta.h"

namespace reenact {

/// What a face meta says but for the driver's picture, as the second tensor of a pose: numbers go where metas do not, through
/// gdppay, sockets and files.
///
///     0       version of this layout, 1; 0: nothing is known
///     1, 2    FaceFlags, track id
///     3-6     window that was cut out: x, y, width, height
///     7-10    driver's frame: width, height, and shape of its pixels as a fraction
///     11-15   face box: left, top, right, bottom, score
///     16      longer side of the largest face
///     17-19   0
inline constexpr int place_size = 20;

/// Puts the place that the buffer's face meta tells behind the `pose_size` numbers of its pose, for whatever stood there
/// before. The buffer must be writable.
void set_place(GstBuffer* pose, int pose_size);

/// Gives `to` the face meta that the place in `pose` tells of, unless it has one or there is no place that makes sense.
/// `to` may be `pose` itself, and must be writable.
void add_face_meta_of_place(GstBuffer* pose, int pose_size, GstBuffer* to);

/// The buffer with a face meta where its place tells of one. Takes the buffer.
GstBuffer* with_face_meta(GstBuffer* pose, int pose_size);

}  // namespace reenact
