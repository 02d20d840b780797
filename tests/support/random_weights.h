// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <cmath>

namespace reenact::test {

/// Weights with which activations keep their size, so that outputs depend on inputs; and evaluation mode.
template <typename Module>
void randomize(Module& module) {
  torch::NoGradGuard no_grad;
  for (auto& parameter : module->parameters())
    if (parameter.dim() > 1) parameter.normal_(0, 1.5 / std::sqrt(static_cast<double>(parameter[0].numel())));
  module->eval();
}

}  // namespace reenact::test
