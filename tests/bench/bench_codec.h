// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "bench/bench_cases.h"

namespace reenact::bench {

/// What the pose codec costs and what it takes from the heads: options.poses (a track), coded with the basis of
/// options.model and drawn for options.identity, every twentieth head. A line for each precision and key interval of
/// docs/pose-codec.md, and for each key interval with one packet of ten lost: kbit_s (at 25 frames a second, places
/// included), psnr (mean and worst head, dB, of color times mask) and heads.
std::vector<nlohmann::ordered_json> bench_codec(const BenchOptions& options);

}  // namespace reenact::bench
