// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include "training/run/run_config.h"

namespace reenact::training {

/// Key `training.precision`: "float32", "bfloat16" or "float16", the type in which networks compute where it
/// is fit; weights, optimisers and losses stay float32. Throws Error (invalid) for another name.
void read_precision(const RunConfig& file, torch::ScalarType& precision);
/// "float32" and the like.
std::string precision_name(torch::ScalarType precision);
/// What `device` multiplies in fastest without a loss that shows: bfloat16 on CPUs with avx512_bf16, as those with AMX have
/// it, else float32. (On other CPUs LibTorch would emulate bfloat16 slowly; of GPUs nothing is assumed.)
torch::ScalarType native_precision(const torch::Device& device);
/// Throws Error (unsupported) for float16 on a CPU.
void check_precision(torch::ScalarType precision, const torch::Device& device);

}  // namespace reenact::training
