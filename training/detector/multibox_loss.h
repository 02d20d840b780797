// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <vector>

#include "torch/networks/s3fd.h"
#include "training/detector/anchor_matching.h"

namespace reenact::training {

/// The loss of S3FD: softmax cross-entropy over positives and the hardest negatives, smooth L1 over the
/// offsets of positives.
struct MultiboxLoss {
  torch::Tensor classification,
      localisation;                           ///< scalars, each divided by the number of its terms' positives
  std::int64_t positives = 0, negatives = 0;  ///< anchors that took part
};

struct MultiboxOptions {
  double negatives_per_positive = 3;  ///< hard negative mining over the whole batch
  std::int64_t least_negatives = 16;  ///< a picture, so that batches without a face teach too
};

/// Scores [B, N, 2] and offsets [B, N, 4] of all anchors in the order of make_anchors.
struct FlatOutputs {
  torch::Tensor scores, offsets;
};
FlatOutputs flatten_outputs(const std::vector<S3fdOutput>& outputs);
std::vector<MapSize> map_sizes(const std::vector<S3fdOutput>& outputs);

MultiboxLoss multibox_loss(const FlatOutputs& outputs, const std::vector<AnchorTargets>& targets,
                           const MultiboxOptions& options = {});

}  // namespace reenact::training
