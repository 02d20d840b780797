// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "bench/bench_cases.h"

namespace reenact::bench {

/// The case `generator` of the presets `live` and `paper` once for each instruction set that this CPU has and that
/// ONEDNN_MAX_CPU_ISA, if it is set, allows; each in a process of its own, because that variable is read once. Lines are
/// those of bench_generator() with the fields model and instructions (a value of that variable).
std::vector<nlohmann::ordered_json> bench_instructions(const BenchOptions& options);

}  // namespace reenact::bench
