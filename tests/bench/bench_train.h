// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "bench/bench_cases.h"

namespace reenact::bench {

/// One step of meta-learning with all losses of the released code and random weights: the authors' loop
/// (ReferenceLoop) against ReenactorTrainer on the same batch, of 1 sample for `paper` and of 8 for `lite`. The
/// lines also have the fields batch, classes (rows of the discriminator's table) and samples_per_s. Throws
/// Error (invalid) where `model` is a file.
std::vector<nlohmann::ordered_json> bench_train(const BenchOptions& options);

}  // namespace reenact::bench
