// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/pose_encoder.h"

#include "reenact/error.h"

namespace reenact {

PoseEncoderNetworkImpl::PoseEncoderNetworkImpl(const ReenactorConfig& config, double dropout) {
  std::shared_ptr<torch::nn::Module> network;
  if (config.pose_encoder == "resnext50_32x4d")
    network = resnext_ = std::make_shared<ResNeXt50Impl>(config.pose_embedding_size);
  else if (config.pose_encoder == "mobilenet_v2")
    network = mobilenet_ =
        std::make_shared<MobileNetV2Impl>(config.pose_embedding_size, config.pose_encoder_width, dropout);
  else
    throw Error(ErrorCode::invalid, "pose_encoder is \"" + config.pose_encoder +
                                        "\", but must be mobilenet_v2 or resnext50_32x4d");
  // Its children become ours, so that no level of the choice shows in the names.
  for (auto& child : network->named_children()) register_module(child.key(), child.value());
}

torch::Tensor PoseEncoderNetworkImpl::forward(const torch::Tensor& rgb) {
  return resnext_ ? resnext_->forward(rgb) : mobilenet_->forward(rgb);
}

}  // namespace reenact
