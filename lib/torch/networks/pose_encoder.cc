// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/pose_encoder.h"

namespace reenact {

PoseEncoderNetworkImpl::PoseEncoderNetworkImpl(const ReenactorConfig& config, double dropout)
    : NamedEncoder("pose_encoder", config.pose_encoder, config.pose_embedding_size, config.pose_encoder_width,
                   dropout) {}

torch::Tensor PoseEncoderNetworkImpl::forward(const torch::Tensor& rgb) {
  return encode(rgb);
}

}  // namespace reenact
