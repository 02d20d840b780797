// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <initializer_list>

namespace reenact {

/// What gst-inspect-1.0 says of an element; the texts are static.
struct ElementDescription {
  const char *name, *category, *text;
};

/// Describes an element and gives it its pads, for its class_init. Aggregators add pads of their own types.
inline void describe_element(GstElementClass* element_class, const ElementDescription& description,
                             std::initializer_list<GstStaticPadTemplate*> pads = {}) {
  gst_element_class_set_static_metadata(element_class, description.name, description.category,
                                        description.text, "The gst-reenact authors");
  for (GstStaticPadTemplate* pad : pads) gst_element_class_add_static_pad_template(element_class, pad);
}

}  // namespace reenact
