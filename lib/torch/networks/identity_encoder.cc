// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/identity_encoder.h"

#include "reenact/error.h"

namespace reenact {

IdentityEncoderNetworkImpl::IdentityEncoderNetworkImpl(const ReenactorConfig& config) {
  std::shared_ptr<torch::nn::Module> network;
  if (config.identity_encoder == "resnext50_32x4d")
    network = resnext_ = std::make_shared<ResNeXt50Impl>(config.identity_embedding_size);
  else if (config.identity_encoder == "mobilenet_v2")
    network = mobilenet_ =
        std::make_shared<MobileNetV2Impl>(config.identity_embedding_size, config.identity_encoder_width);
  else
    throw Error(ErrorCode::invalid, "identity_encoder is \"" + config.identity_encoder +
                                        "\", but must be resnext50_32x4d or mobilenet_v2");
  // Its children become ours, so that no level of the choice shows in the names.
  for (auto& child : network->named_children()) register_module(child.key(), child.value());
}

torch::Tensor IdentityEncoderNetworkImpl::forward(const torch::Tensor& frames) {
  const auto batch = frames.size(0), count = frames.size(1);
  const auto flat = frames.reshape({batch * count, frames.size(2), frames.size(3), frames.size(4)});
  const auto embeddings = resnext_ ? resnext_->forward(flat) : mobilenet_->forward(flat);
  return embeddings.to(torch::kFloat).view({batch, count, -1});
}

}  // namespace reenact
