// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <string>

namespace reenact {

/// The device called "auto", "cpu", "cuda" or "cuda:N". "cuda" is the GPU at place `nth`, counted round where
/// there are fewer; "auto" is the same where there is a GPU, else the CPU. Throws Error: invalid for another
/// name, unsupported for a GPU that this LibTorch or machine lacks.
torch::Device device_from(const std::string& name, int nth = 0);

}  // namespace reenact
