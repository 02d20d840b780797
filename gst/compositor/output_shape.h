// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

namespace reenact {

/// The size and shape of output that heads ask for.
struct OutputShape {
  int width = 0, height = 0;  ///< 0: no head came yet
  int par_n = 1, par_d = 1;   ///< of a pixel
  bool operator==(const OutputShape&) const = default;
};

/// What `head`, of format `head_info`, asks for: the frame its face was found in, else the background, which is
/// of width 0 where there is none, else its own size.
OutputShape output_shape_for(GstBuffer* head, const GstVideoInfo& head_info,
                             const GstVideoInfo& background_info);

/// Which caps of `downstream` pictures of that shape have, with the framerate of the heads; without regard to
/// the shape where downstream insists on another one, to which pictures are stretched. `transparent`: with
/// alpha alone. A new reference.
GstCaps* output_caps_for(const OutputShape& shape, const GstVideoInfo& head_info, bool transparent,
                         GstCaps* downstream);
/// Takes `caps` and fixes them as near to the shape as they allow.
GstCaps* fixate_output_caps(GstCaps* caps, const OutputShape& shape);

}  // namespace reenact
