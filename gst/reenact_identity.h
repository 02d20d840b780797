// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasetransform.h>

namespace reenact {

/// reenactidentity: passes poses on and says whose head they move.
struct ReenactIdentity {
  struct Private;
  GstBaseTransform parent;
  Private* p;
};
struct ReenactIdentityClass {
  GstBaseTransformClass parent_class;
};
GType reenact_identity_get_type();
GST_ELEMENT_REGISTER_DECLARE(reenactidentity)

}  // namespace reenact
