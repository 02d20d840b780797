// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <functional>
#include <string>
#include <vector>

#include "reenact/safetensors.h"

namespace reenact::test {

/// Numbers in [-1, 1) that follow from a name alone (SplitMix64 started at the name's FNV-1a hash),
/// row-major; the parity files for networks of full size are made with them.
torch::Tensor procedural_values(const std::string& name, const std::vector<std::int64_t>& shape);

/// (procedural_values + 1) / 2 * (high - low) + low.
torch::Tensor procedural_input(const std::string& name, const std::vector<std::int64_t>& shape, float low,
                               float high);

/// Fills every parameter and buffer of `module`: `<stored_prefix>state.<key>` of the file where it is there,
/// else procedural_values(`<name_prefix><key>`) * `<stored_prefix>bound.<key>`. Throws Error (wrong_kind)
/// when neither is there; `num_batches_tracked` buffers may be absent. `key_in_file` turns our key into the
/// authors'.
void fill_procedurally(torch::nn::Module& module, const SafetensorsFile& file, const std::string& name_prefix,
                       const std::string& stored_prefix = "",
                       const std::function<std::string(const std::string&)>& key_in_file = {});

/// A tensor of the file as float32 (integers stay as they are).
torch::Tensor stored_tensor(const SafetensorsFile& file, const std::string& name);

}  // namespace reenact::test
