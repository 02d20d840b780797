// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace reenact {

/// reenactbin: the whole chain in one element, video to video.
struct ReenactBin {
  struct Private;
  GstBin parent;
  Private* p;
};
struct ReenactBinClass {
  GstBinClass parent_class;
};
GType reenact_bin_get_type();
GST_ELEMENT_REGISTER_DECLARE(reenactbin)

}  // namespace reenact
