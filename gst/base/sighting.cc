// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/sighting.h"

#include "base/time_segment.h"
#include "stream/face_meta.h"

namespace reenact {

Sighting sighting_of(const GstSegment& segment, GstBuffer* buffer) {
  Sighting sighting;
  const GstClockTime time = running_time(segment, GST_BUFFER_PTS(buffer));
  if (GST_CLOCK_TIME_IS_VALID(time)) sighting.seconds = double(time) / GST_SECOND;
  if (const FaceMeta* face = get_face_meta(buffer)) {
    sighting.face = face->track_id;
    sighting.held = face->flags & face_held;
  }
  return sighting;
}

}  // namespace reenact
