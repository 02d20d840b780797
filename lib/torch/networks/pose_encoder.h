// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include "reenact/config.h"
#include "torch/networks/encoders.h"

namespace reenact {

/// The pose encoder that a configuration names: MobileNetV2 (section 3.1 of the paper) or, for the ablation
/// +PoseEnc of its supplement, ResNeXt-50 32x4d. Its parameters have the chosen network's own names.
class PoseEncoderNetworkImpl : public NamedEncoder {
 public:
  /// `dropout`: of MobileNetV2, probability before the last layer.
  explicit PoseEncoderNetworkImpl(const ReenactorConfig& config, double dropout = 0.2);
  /// [B, 3, H, W] in 0..1 -> [B, d_p]
  torch::Tensor forward(const torch::Tensor& rgb);
};
TORCH_MODULE(PoseEncoderNetwork);

}  // namespace reenact
