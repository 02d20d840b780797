// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <string>

#include "reenact/config.h"
#include "torch/networks/mobilenet_v2.h"
#include "torch/networks/resnext.h"

namespace reenact {

/// Base of the encoders of section 3.1 of the paper, for which a configuration names the network:
/// "resnext50_32x4d" or "mobilenet_v2". Its parameters have the chosen network's own names.
class NamedEncoder : public torch::nn::Module {
 protected:
  /// `field`: of the configuration, for the error. `width` and `dropout` (probability before the last layer)
  /// are those of MobileNetV2. Throws Error (invalid) for another name.
  NamedEncoder(const std::string& field, const std::string& name, int outputs, double width,
               double dropout = 0.2);
  /// [B, 3, H, W] in 0..1 -> [B, outputs]
  torch::Tensor encode(const torch::Tensor& rgb);

 private:
  std::shared_ptr<ResNeXt50Impl> resnext_;
  std::shared_ptr<MobileNetV2Impl> mobilenet_;
};

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
