// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

namespace reenact::training {

/// torch::optim::Adam that moves all parameters of a CUDA device at once: a step is a few kernels in place of seven for each
/// of several hundred tensors, which took longer to launch than to run. On other devices it is torch::optim::Adam to the
/// bit. State and options are those of the base class, and so are checkpoints. Knows no AMSGrad and no closures.
class FusedAdam : public torch::optim::Adam {
 public:
  using torch::optim::Adam::Adam;
  torch::Tensor step(LossClosure closure = nullptr) override;
};

}  // namespace reenact::training
