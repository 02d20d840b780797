// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace reenact::training {

/// Keeps freed memory in the process: a step of training allocates and frees the same large tensors as the
/// one before, and given back to the system in between they cost a third of the time in page faults. Only of
/// glibc's allocator; others do as they do.
void keep_freed_memory();
/// Sets glibc's allocator to what it arrives at by itself in a program with large tensors.
void return_freed_memory();

}  // namespace reenact::training
