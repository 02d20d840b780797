// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <span>

namespace reenact {

/// The numbers of a pose in a mapped buffer that unmaps itself.
class MappedPose {
 public:
  /// Throws Error (corrupt) when the buffer does not hold `size` floats.
  MappedPose(GstBuffer* buffer, int size, GstMapFlags flags);
  ~MappedPose();
  MappedPose(const MappedPose&) = delete;
  MappedPose& operator=(const MappedPose&) = delete;

  std::span<float> values() const { return values_; }

 private:
  GstBuffer* buffer_;
  GstMapInfo map_;
  std::span<float> values_;
};

}  // namespace reenact
