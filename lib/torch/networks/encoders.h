// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <string>

#include "reenact/config.h"

namespace reenact {

/// Base of the encoders of section 3.1 of the paper, for which a configuration names the network. Its parameters have the
/// chosen network's own names.
class NamedEncoder : public torch::nn::Module {
 protected:
  /// A network as the trainer and the backends use it.
  template <typename Network>
  void take(std::shared_ptr<Network> network) {
    // Its children become ours, so that no level of the choice shows in the names.
    for (auto& child : network->named_children()) register_module(child.key(), child.value());
    encode_ = [network](const torch::Tensor& rgb) { return network->forward(rgb); };
  }
  /// [B, C, H, W] in 0..1 -> [B, outputs]
  torch::Tensor encode(const torch::Tensor& rgb) { return encode_(rgb); }

 private:
  std::function<torch::Tensor(const torch::Tensor&)> encode_;
};

/// The pose encoder that a configuration names: MobileNetV2 (section 3.1 of the paper); for the ablation +PoseEnc of its
/// supplement ResNeXt-50 32x4d; for X2Face+ and FAb-Net+ theirs, on pose_picture(); "none" hands on what it gets.
class PoseEncoderNetworkImpl : public NamedEncoder {
 public:
  /// `dropout`: of MobileNetV2, probability before the last layer.
  explicit PoseEncoderNetworkImpl(const ReenactorConfig& config, double dropout = 0.2);
  /// [B, 3, H, W] in 0..1 -> [B, d_p]
  torch::Tensor forward(const torch::Tensor& rgb);
};
TORCH_MODULE(PoseEncoderNetwork);

/// Whether a pose encoder came from elsewhere: it learns nothing, and its statistics stay, in meta-learning and fine-tuning.
bool is_foreign_encoder(const std::string& pose_encoder);

/// The identity encoder that a configuration names: ResNeXt-50 32x4d (section 3.1 of the paper), in `lite` MobileNetV2, and
/// FSTH's embedder, which sees the stickman before each picture where poses are such.
class IdentityEncoderNetworkImpl : public NamedEncoder {
 public:
  explicit IdentityEncoderNetworkImpl(const ReenactorConfig& config);
  /// [B, K, 3 or 6, S, S] in 0..1 -> [B, K, d_i]; the identity is the mean over K.
  torch::Tensor forward(const torch::Tensor& frames);
};
TORCH_MODULE(IdentityEncoderNetwork);

}  // namespace reenact
