// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mapped_pose.h"

#include <string>

#include "reenact/error.h"

namespace reenact {

MappedPose::MappedPose(GstBuffer* buffer, int size, GstMapFlags flags) : buffer_(buffer) {
  const gsize wanted = gsize(size) * sizeof(float);
  if (!gst_buffer_map(buffer, &map_, flags))
    throw Error(ErrorCode::corrupt, "a pose buffer cannot be mapped");
  if (map_.size != wanted) {
    const gsize found = map_.size;
    gst_buffer_unmap(buffer, &map_);
    throw Error(ErrorCode::corrupt, "a pose buffer has " + std::to_string(found) + " bytes, wanted " +
                                        std::to_string(wanted) + " for " + std::to_string(size) + " floats");
  }
  values_ = {reinterpret_cast<float*>(map_.data), std::size_t(size)};
}

MappedPose::~MappedPose() {
  gst_buffer_unmap(buffer_, &map_);
}

}  // namespace reenact
