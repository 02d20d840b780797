// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <opencv2/core.hpp>

#include "reenact/crop.h"

namespace reenact {

/// What is known about a face, as bits of FaceMeta::flags.
enum FaceFlags : guint {
  face_detected = 1u << 0,  ///< the box comes from a detection on this very frame, not from following it
  face_missing = 1u << 1,   ///< nobody was found on this frame
  face_held =
      1u << 2,  ///< with face_missing: box and crop are those of an earlier frame, the last pose stays
  face_blackout = 1u << 3  ///< with face_missing: nothing at all is to be shown of this frame
};

/// The face of one frame, on the crop, on its pose and on the head drawn from it.
///
/// All coordinates are pixels of the driver's frame, whose format stands beside them: they stay true however
/// the carrying buffer is converted or scaled. The meta has no tags, so that every element that copies metas
/// keeps it.
struct FaceMeta {
  GstMeta meta;
  GstVideoInfo frame_info;  ///< of the driver's frame; of width 0 when nobody knows
  GstCaps* frame_caps;      ///< of the driver's frame, for what the info does not hold; or null
  FaceBox box;              ///< the face, and P(face) of its last detection
  cv::Rect crop;            ///< the window cut out, may reach outside the frame
  guint track_id;           ///< grows by one when another face is followed
  guint flags;              ///< FaceFlags
  float largest_face;  ///< longer side of the largest face of the last detection, followed or not; 0: none
  GstBuffer* frame;    ///< the driver's frame, or null
};

/// "ReenactFaceMetaAPI".
GType face_meta_api_get_type();
/// Adds a meta without a face. `frame` (gets a reference) and `frame_info` may be null.
FaceMeta* add_face_meta(GstBuffer* buffer, GstBuffer* frame, const GstVideoInfo* frame_info);
/// The meta of `buffer`, or null.
FaceMeta* get_face_meta(GstBuffer* buffer);

/// Width and height of the driver's frame in pixels, 0 when nobody knows.
cv::Size frame_size(const FaceMeta& meta);

/// Longer side in pixels of the largest face that is known of, the followed one among them; 0: none.
double largest_face(const FaceMeta& meta);

/// Whether `buffer` stands for no face at all, so that no head may be drawn for it: marked as a gap, or its
/// meta says that the face is missing and not held.
bool is_faceless(GstBuffer* buffer);

/// Mirrors the face box of `meta` as GstVideoRegionOfInterestMeta "face" on `buffer`, a video of `width` x
/// `height` that shows `shown`, a rectangle of the driver's frame; where GStreamer has analytics (1.24), also
/// as an object detection "face". A structure "reenact-face" hangs on the region with score, track-id and the
/// box in the driver's frame. Adds nothing when the face is missing or out of sight.
void add_region_of_interest(GstBuffer* buffer, const FaceMeta& meta, const cv::Rect& shown, int width,
                            int height);

/// Whether a foreign meta stays true when a picture is replaced by another of other size and colors.
bool meta_is_independent_of_picture(const GstMetaInfo* info);

}  // namespace reenact
