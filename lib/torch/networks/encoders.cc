// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/encoders.h"

#include "reenact/error.h"

namespace reenact {

NamedEncoder::NamedEncoder(const std::string& field, const std::string& name, int outputs, double width,
                           double dropout) {
  std::shared_ptr<torch::nn::Module> network;
  if (name == "resnext50_32x4d")
    network = resnext_ = std::make_shared<ResNeXt50Impl>(outputs);
  else if (name == "mobilenet_v2")
    network = mobilenet_ = std::make_shared<MobileNetV2Impl>(outputs, width, dropout);
  else
    throw Error(ErrorCode::invalid,
                field + " is \"" + name + "\", but must be resnext50_32x4d or mobilenet_v2");
  // Its children become ours, so that no level of the choice shows in the names.
  for (auto& child : network->named_children()) register_module(child.key(), child.value());
}

torch::Tensor NamedEncoder::encode(const torch::Tensor& rgb) {
  return resnext_ ? resnext_->forward(rgb) : mobilenet_->forward(rgb);
}

PoseEncoderNetworkImpl::PoseEncoderNetworkImpl(const ReenactorConfig& config, double dropout)
    : NamedEncoder("pose_encoder", config.pose_encoder, config.pose_embedding_size, config.pose_encoder_width,
                   dropout) {}

torch::Tensor PoseEncoderNetworkImpl::forward(const torch::Tensor& rgb) {
  return encode(rgb);
}

IdentityEncoderNetworkImpl::IdentityEncoderNetworkImpl(const ReenactorConfig& config)
    : NamedEncoder("identity_encoder", config.identity_encoder, config.identity_embedding_size,
                   config.identity_encoder_width) {}

torch::Tensor IdentityEncoderNetworkImpl::forward(const torch::Tensor& frames) {
  const auto batch = frames.size(0), count = frames.size(1);
  const auto flat = frames.reshape({batch * count, frames.size(2), frames.size(3), frames.size(4)});
  return encode(flat).to(torch::kFloat).view({batch, count, -1});
}

}  // namespace reenact
