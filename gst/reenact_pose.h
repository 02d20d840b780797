// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasetransform.h>

namespace reenact {

/// reenactpose: RGB crops to pose descriptors as tensors.
struct ReenactPose {
  struct Private;
  GstBaseTransform parent;
  Private* p;
};
struct ReenactPoseClass {
  GstBaseTransformClass parent_class;
};
GType reenact_pose_get_type();
GST_ELEMENT_REGISTER_DECLARE(reenactpose)

}  // namespace reenact
