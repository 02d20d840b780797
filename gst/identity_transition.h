// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>

#include "reenact/identity.h"

namespace reenact {

/// Who is drawn while one identity goes over into the next: embeddings and resting poses between the two. Weights of a
/// person's own cannot be mixed: where one of the two has them, it changes half way at once.
class IdentityTransition {
 public:
  /// From here on `next`, which may be null, in `duration` counted from the next at(); 0, or from and to nobody: at once. One
  /// that is on its way begins anew where it is.
  void begin(std::shared_ptr<const Identity> next, GstClockTime duration);
  /// Who is to be drawn at that running time; the same object as before where nothing changed. Of a time that nobody knows
  /// the transition is over.
  std::shared_ptr<const Identity> at(GstClockTime time);
  void reset();

 private:
  std::shared_ptr<const Identity> from_, to_, shown_;
  GstClockTime begun_ = GST_CLOCK_TIME_NONE, duration_ = 0;
};

}  // namespace reenact
