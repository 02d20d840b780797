// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <span>

#include "cpu/kernels/kernel_types.h"

namespace reenact::cpu {

/// Milliseconds that this CPU takes for two small layers of a generator in that arithmetic, in one thread. Measured when
/// first asked for, which takes a few milliseconds, once a process; has_arithmetic() must be true.
double layer_milliseconds(Arithmetic arithmetic);

/// The fastest of `candidates`, which are in the order from coarse to fine and at least one; of those that are within
/// 5 % of the fastest the finest. A single one is not measured.
Arithmetic fastest_arithmetic(std::span<const Arithmetic> candidates,
                              const std::function<double(Arithmetic)>& milliseconds = layer_milliseconds);

}  // namespace reenact::cpu
