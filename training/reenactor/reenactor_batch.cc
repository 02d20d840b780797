// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/reenactor/reenactor_batch.h"

namespace reenact::training {
namespace {

/// The batch with each tensor that it has changed.
template <typename Change>
ReenactorBatch changed(ReenactorBatch batch, const Change& change) {
  for (auto* tensor : {&batch.pose_source, &batch.target, &batch.mask, &batch.landmarks, &batch.has_landmarks,
                       &batch.identity_frames, &batch.labels})
    if (tensor->defined()) *tensor = change(*tensor);
  return batch;
}

}  // namespace

ReenactorBatch ReenactorBatch::to(const torch::Device& device) const {
  return changed(*this, [&](const torch::Tensor& tensor) {
    return tensor.to(tensor.options().device(device), /*non_blocking=*/true);
  });
}

ReenactorBatch ReenactorBatch::pinned() const {
  return changed(*this, [](const torch::Tensor& tensor) { return tensor.pin_memory(); });
}

}  // namespace reenact::training
