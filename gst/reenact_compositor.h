// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstaggregator.h>

namespace reenact {

/// reenactcompositor: RGBA heads laid over a background, at the size of the driver's frame.
struct ReenactCompositor {
  struct Private;
  GstAggregator parent;
  Private* p;
};
struct ReenactCompositorClass {
  GstAggregatorClass parent_class;
};
GType reenact_compositor_get_type();
GST_ELEMENT_REGISTER_DECLARE(reenactcompositor)

}  // namespace reenact
