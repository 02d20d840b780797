// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include "training/data/augmentation.h"
#include "training/data/head_clip_source.h"
#include "training/data/picture_tensor.h"
#include "training/reenactor/reenactor_config.h"

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

/// Draws batches from a dataset: clip, frame, augmentation.
class ReenactorSampler {
 public:
  /// The last twelfth of every clip's frames is held out for validation.
  ReenactorSampler(HeadClipSource& clips, const ReenactorTrainingConfig& config);
  /// Every sample has a generator of its own, seeded from `random`: of `parts` processes whose `random` is in
  /// the same state each draws its own share of one batch and leaves `random` as all others do. `batch_size`
  /// is a multiple of `parts`. Clips are those available at `step`.
  ReenactorBatch draw(int batch_size, Random& random, int part = 0, int parts = 1,
                      std::int64_t step = 0) const;
  /// Frames held out, without augmentation, `count` of them spread over the clips; identity frames come from
  /// the others.
  ReenactorBatch held_out(int count) const;
  /// Mean picture of each class on black, [label_count, 3, size, size], of at most 8 training frames.
  torch::Tensor mean_heads(int size) const;
  /// Classes: two for each clip where mirrored people count as others, else one.
  int label_count() const;
  /// Row of a clip in the table.
  int label(std::size_t clip, bool mirrored) const;

 private:
  /// The frame as the configuration has it loaded.
  HeadFrame loaded(const HeadFrame& frame) const;
  cv::Mat identity_picture(const HeadFrame& frame, Random& random) const;
  int training_frames(const HeadClip& clip) const;
  ReenactorBatch to_batch(const std::vector<HeadSample>& samples, const std::vector<std::size_t>& clips,
                          const std::vector<cv::Mat>& identity_frames) const;

  HeadClipSource& clips_;
  const ReenactorTrainingConfig& config_;
};

}  // namespace reenact::training
