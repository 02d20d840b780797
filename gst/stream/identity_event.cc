// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream/identity_event.h"

namespace reenact {
namespace {

using SharedIdentity = std::shared_ptr<const Identity>;
constexpr char event_name[] = "reenact-identity";

gpointer copy_shared(gpointer boxed) {
  return new SharedIdentity(*static_cast<SharedIdentity*>(boxed));
}
void free_shared(gpointer boxed) {
  delete static_cast<SharedIdentity*>(boxed);
}

}  // namespace

GType shared_identity_get_type() {
  static const GType type = g_boxed_type_register_static("ReenactSharedIdentity", copy_shared, free_shared);
  return type;
}

GstEvent* new_identity_event(const std::shared_ptr<const Identity>& identity) {
  GstStructure* structure = gst_structure_new_empty(event_name);
  if (identity) {
    gst_structure_set(structure, "identity", shared_identity_get_type(), &identity, "name", G_TYPE_STRING,
                      identity->name.c_str(), nullptr);
  }
  return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, structure);
}

bool parse_identity_event(GstEvent* event, std::shared_ptr<const Identity>& identity) {
  if (GST_EVENT_TYPE(event) != GST_EVENT_CUSTOM_DOWNSTREAM_STICKY || !gst_event_has_name(event, event_name))
    return false;
  const GValue* value = gst_structure_get_value(gst_event_get_structure(event), "identity");
  identity.reset();
  if (value && G_VALUE_HOLDS(value, shared_identity_get_type())) {
    // Whoever made the event may have put nothing into the box.
    const auto* boxed = static_cast<const SharedIdentity*>(g_value_get_boxed(value));
    if (boxed) identity = *boxed;
  }
  return true;
}

}  // namespace reenact
