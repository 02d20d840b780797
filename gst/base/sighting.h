// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "reenact/reference_finder.h"

namespace reenact {

/// When and of whom the pose in `buffer` was seen.
Sighting sighting_of(const GstSegment& segment, GstBuffer* buffer);

}  // namespace reenact
