// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasetransform.h>

namespace reenact {

/// reenactgenerator: poses to RGBA pictures of the identity's head.
struct ReenactGenerator {
  struct Private;
  GstBaseTransform parent;
  Private* p;
};
struct ReenactGeneratorClass {
  GstBaseTransformClass parent_class;
};
GType reenact_generator_get_type();
GST_ELEMENT_REGISTER_DECLARE(reenactgenerator)

}  // namespace reenact
