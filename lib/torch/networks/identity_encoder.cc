// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/identity_encoder.h"

namespace reenact {

IdentityEncoderNetworkImpl::IdentityEncoderNetworkImpl(const ReenactorConfig& config)
    : NamedEncoder("identity_encoder", config.identity_encoder, config.identity_embedding_size,
                   config.identity_encoder_width) {}

torch::Tensor IdentityEncoderNetworkImpl::forward(const torch::Tensor& frames) {
  const auto batch = frames.size(0), count = frames.size(1);
  const auto flat = frames.reshape({batch * count, frames.size(2), frames.size(3), frames.size(4)});
  return encode(flat).to(torch::kFloat).view({batch, count, -1});
}

}  // namespace reenact
