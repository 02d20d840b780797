// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "base/glib.h"
#include "base/properties.h"

namespace reenact {

/// Installs a table of properties over the settings that `settings_of` gives for an object; these are set and read with
/// the object's lock held.
template <const auto& properties, auto settings_of>
void install_settings(GObjectClass* object_class) {
  object_class->set_property = [](GObject* object, guint id, const GValue* value, GParamSpec* spec) {
    bool known = false;
    {
      const ObjectLock lock(object);
      known = properties.set(settings_of(object), id, value);
    }
    if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  };
  object_class->get_property = [](GObject* object, guint id, GValue* value, GParamSpec* spec) {
    bool known = false;
    {
      const ObjectLock lock(object);
      known = properties.get(settings_of(object), id, value);
    }
    if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  };
  properties.install(object_class);
}

/// The settings as they are now.
template <typename Settings>
Settings copy_of(gpointer object, const Settings& settings) {
  const ObjectLock lock(object);
  return settings;
}

}  // namespace reenact
