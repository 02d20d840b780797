// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <memory>

namespace reenact {

/// The size, shape and colors of output that heads ask for.
struct OutputShape {
  int width = 0, height = 0;  ///< 0: no head came yet
  int par_n = 1, par_d = 1;   ///< of a pixel
  GstVideoFormat format =
      GST_VIDEO_FORMAT_UNKNOWN;   ///< of the driver's frame; unknown where nobody has seen it
  std::shared_ptr<GstCaps> caps;  ///< of the driver's frame, for its colors; may be null
  bool operator==(const OutputShape& other) const;
};

/// What `head`, of format `head_info`, asks for: the frame its face was found in, else the background of `background`
/// caps, which may be null, else its own size.
OutputShape output_shape_for(GstBuffer* head, const GstVideoInfo& head_info, GstCaps* background);

/// What pictures have to carry alpha for.
enum class Alpha {
  optional,  ///< they are opaque
  needed,    ///< nothing else carries it
  beside     ///< a key pad carries it
};

/// Which caps of `downstream` pictures of that shape have, with the framerate of the heads: of the driver's format, colors
/// and light levels where downstream takes them, else as near to them as it does, in its own order of preference; without
/// regard to the shape where downstream insists on another one, to which pictures are stretched. A new reference.
GstCaps* output_caps_for(const OutputShape& shape, const GstVideoInfo& head_info, Alpha alpha,
                         GstCaps* downstream);
/// Takes `caps` and fixes them as near to the shape as they allow.
GstCaps* fixate_output_caps(GstCaps* caps, const OutputShape& shape);

}  // namespace reenact
