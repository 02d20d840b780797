// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>

#include "reenact/identity.h"

namespace reenact {

/// Boxed "ReenactSharedIdentity": a std::shared_ptr<const Identity>, so that an identity travels in events
/// without a copy.
GType shared_identity_get_type();

/// The sticky downstream event "reenact-identity" from which on heads are those of `identity`; null: nobody
/// yet, heads stay invisible until one comes.
GstEvent* new_identity_event(const std::shared_ptr<const Identity>& identity);
/// Whether `event` is one; then `identity` is what it holds.
bool parse_identity_event(GstEvent* event, std::shared_ptr<const Identity>& identity);

}  // namespace reenact
