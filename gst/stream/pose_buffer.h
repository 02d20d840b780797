// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <span>

namespace reenact {

/// Template of every pad that carries poses: NNStreamer's static tensors of 32-bit floats, the pose and where its face lay
/// (stream/face_place.h), or the pose alone.
#define REENACT_POSE_CAPS                                                                         \
  "other/tensors, format=(string)static, num_tensors=(int)2, types=(string)\"float32,float32\", " \
  "framerate=(fraction)[0/1, 2147483647/1]; "                                                     \
  "other/tensors, format=(string)static, num_tensors=(int)1, types=(string)float32, "             \
  "framerate=(fraction)[0/1, 2147483647/1]"

/// Caps of poses of `size` numbers, dimensions "size:1:1:1"; without framerate.
GstCaps* new_pose_caps(int size);
/// The same with a place behind each pose, dimensions "size:1:1:1,20:1:1:1", and second those of new_pose_caps().
GstCaps* new_placed_pose_caps(int size);
/// Numbers in a pose of such caps, however many trailing ones the dimensions have; 0 when they say something
/// else.
int pose_size_of_caps(const GstCaps* caps);
/// Whether a place stands behind each pose of such caps.
bool have_places(const GstCaps* caps);

/// The numbers of a pose in a mapped buffer that unmaps itself.
class MappedPose {
 public:
  /// Throws Error (corrupt) when the buffer does not hold `size` floats, alone or before a place.
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
