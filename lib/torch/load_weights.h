// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>

#include "reenact/model_file.h"
#include "reenact/safetensors.h"

namespace reenact {

/// A tensor that shares the file's memory where the type allows; other types are converted to float32.
/// The file must outlive it unless `copy` is set.
torch::Tensor to_torch(const TensorView& view, bool copy = true);

/// Fills every parameter and buffer of `module` from `<prefix><name>` of the file, converting to float32.
/// `num_batches_tracked` buffers may be absent. Throws Error (wrong_kind) naming file and tensor when one is
/// missing or of another shape, and Error (corrupt) when one holds NaN or infinity.
void load_weights(torch::nn::Module& module, const ModelFile& file, const std::string& prefix);

/// Every parameter and floating-point buffer as `<prefix><name>`.
std::map<std::string, torch::Tensor> weights_of(const torch::nn::Module& module, const std::string& prefix);

/// Writes tensors as a model file, weights as float16 when `half` is set (half the size; converted back on
/// loading).
void write_model(const std::filesystem::path& path, const ModelInfo& info,
                 const std::map<std::string, torch::Tensor>& tensors, bool half = false);

}  // namespace reenact
