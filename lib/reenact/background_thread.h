// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace reenact {

/// From now on the calling thread's work may wait for that of others: where the system can (Linux), it computes at a lower
/// priority, and networks that it runs keep to this one thread. For good.
void become_background_thread();
/// Whether the calling thread is one.
bool is_background_thread();

}  // namespace reenact
