// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/// Marks what libreenact gives out; everything else is hidden inside it. Functions are marked one by one; whole classes only
/// where a module or a program must see the same type, to catch it or to override it: Error, Backend and the networks.
#define REENACT_API __attribute__((visibility("default")))
