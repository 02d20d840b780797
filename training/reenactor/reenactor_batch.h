// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

namespace reenact::training {

/// One batch, pictures float32 in 0..1.
struct ReenactorBatch {
  torch::Tensor pose_source;      ///< [B, 3, P, P], P = pose_image_size
  torch::Tensor target;           ///< [B, 3, S, S] with its background
  torch::Tensor mask;             ///< [B, 1, S, S]
  torch::Tensor landmarks;        ///< [B, 478, 2]; zeros where unknown
  torch::Tensor has_landmarks;    ///< [B] 0 or 1
  torch::Tensor identity_frames;  ///< [B, K, 3, S, S]; undefined unless asked for
  torch::Tensor labels;           ///< [B] int64, row of the table and class of the discriminator

  /// On a device; a copy of pinned() memory to a GPU goes on while the caller does.
  ReenactorBatch to(const torch::Device& device) const;
  ReenactorBatch pinned() const;
};

}  // namespace reenact::training
