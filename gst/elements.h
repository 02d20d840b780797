// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasetransform.h>

namespace reenact {

/// reenactcrop: video of any size to a square RGB crop of one face, with a FaceMeta.
struct ReenactCrop {
  struct Private;
  GstBaseTransform parent;
  Private* p;
};
struct ReenactCropClass {
  GstBaseTransformClass parent_class;
};
GType reenact_crop_get_type();
GST_ELEMENT_REGISTER_DECLARE(reenactcrop)

}  // namespace reenact
