// SPDX-License-Identifier: LGPL-2.1-or-later
// GST_PLUGIN_DEFINE wants it.
#define PACKAGE "gst-reenact"

#include <gst/gst.h>

#include "elements.h"

namespace reenact {

static gboolean register_elements(GstPlugin* plugin) {
  // Each without short-circuit, so that one that fails does not hide the others.
  gboolean all = GST_ELEMENT_REGISTER(reenactcrop, plugin);
  all &= GST_ELEMENT_REGISTER(reenactpose, plugin);
  all &= GST_ELEMENT_REGISTER(reenactidentity, plugin);
  all &= GST_ELEMENT_REGISTER(reenactgenerator, plugin);
  all &= GST_ELEMENT_REGISTER(reenactcompositor, plugin);
  all &= GST_ELEMENT_REGISTER(reenactbin, plugin);
  all &= GST_ELEMENT_REGISTER(reenactdecodebin, plugin);
  all &= GST_ELEMENT_REGISTER(reenactposesink, plugin);
  all &= GST_ELEMENT_REGISTER(reenactposesrc, plugin);
  all &= GST_ELEMENT_REGISTER(reenactposefilter, plugin);
  all &= GST_ELEMENT_REGISTER(reenactposeenc, plugin);
  all &= GST_ELEMENT_REGISTER(reenactposedec, plugin);
  return all;
}

}  // namespace reenact

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, reenact,
                  "Neural head reenactment with latent pose descriptors", reenact::register_elements,
                  REENACT_VERSION, "LGPL", "gst-reenact", "gst-reenact")
