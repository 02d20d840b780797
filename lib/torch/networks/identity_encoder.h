// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include "reenact/config.h"
#include "torch/networks/encoders.h"

namespace reenact {

/// The identity encoder that a configuration names: ResNeXt-50 32x4d (section 3.1 of the paper) or, in
/// `lite`, MobileNetV2. Its parameters have the chosen network's own names.
class IdentityEncoderNetworkImpl : public NamedEncoder {
 public:
  explicit IdentityEncoderNetworkImpl(const ReenactorConfig& config);
  /// [B, K, 3, S, S] in 0..1 -> [B, K, d_i]; the identity is the mean over K.
  torch::Tensor forward(const torch::Tensor& frames);
};
TORCH_MODULE(IdentityEncoderNetwork);

}  // namespace reenact
