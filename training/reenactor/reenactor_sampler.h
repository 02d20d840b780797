// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include "training/data/augmentation.h"
#include "training/data/frame_descriptors.h"
#include "training/data/head_clip_source.h"
#include "training/data/picture_tensor.h"
#include "training/data/pose_input.h"
#include "training/reenactor/reenactor_batch.h"
#include "training/reenactor/reenactor_config.h"

namespace reenact::training {

/// Draws batches from a dataset: clip, frame, augmentation.
class ReenactorSampler {
 public:
  /// The last twelfth of every clip's frames is held out for validation. Of a model driven by facial points frames without
  /// landmarks are left out, of one driven by descriptors those that `data.descriptors` does not name.
  ReenactorSampler(HeadClipSource& clips, const ReenactorTrainingConfig& config);
  /// Samples are composed on all cores (for_each_in_parallel); each has a generator of its own, seeded from `random`, so
  /// that the batch is the same bit by bit however many there are: of `parts` processes whose `random` is in
  /// the same state each draws its own share of one batch and leaves `random` as all others do. `batch_size`
  /// is a multiple of `parts`. Clips are those available at `step`.
  ReenactorBatch draw(int batch_size, Random& random, int part = 0, int parts = 1,
                      std::int64_t step = 0) const;
  /// Frames held out, without augmentation, `count` of them spread over the clips; identity frames come from
  /// the others.
  ReenactorBatch held_out(int count) const;
  /// Mean picture of each class on black, [label_count, 3, size, size], of at most 8 training frames.
  torch::Tensor mean_heads(int size) const;
  /// At most `most` training frames of a clip as they are, spread over it, and mirrored where mirrored people count as
  /// others: pictures [N, 3, P, P] with P = pose_image_size, and their labels [N]. Nothing of a clip that cannot be decoded.
  std::pair<torch::Tensor, torch::Tensor> plain_frames(std::size_t clip, int most) const;
  /// Classes: two for each clip where mirrored people count as others, else one.
  int label_count() const;
  /// Row of a clip in the table.
  int label(std::size_t clip, bool mirrored) const;

 private:
  struct DrawnSample {
    HeadSample sample;
    std::size_t clip;                        ///< its index
    std::vector<HeadFrame> identity_frames;  ///< of the same clip; none with IdentitySource::table
  };

  /// One sample of the clips and stills of these indices; backgrounds come from all of `available`.
  DrawnSample draw_sample(const std::vector<std::size_t>& moving, const std::vector<std::size_t>& stills,
                          const std::vector<std::size_t>& available, Random& random) const;
  /// Frame `index` of a clip as the configuration has it loaded.
  HeadFrame loaded(const HeadClip& clip, std::size_t index) const;
  HeadFrame identity_picture(const HeadFrame& frame, Random& random) const;
  int training_frames(const HeadClip& clip) const;
  /// Those of the first `count` frames that can be used: all, or those with what the pose is made of.
  std::vector<std::size_t> usable_frames(const HeadClip& clip, std::size_t count) const;
  ReenactorBatch to_batch(const std::vector<HeadSample>& samples, const std::vector<std::size_t>& clips,
                          const std::vector<HeadFrame>& identity_frames) const;

  HeadClipSource& clips_;
  const ReenactorTrainingConfig& config_;
  PoseInput pose_input_;
  std::shared_ptr<const FrameDescriptors>
      descriptors_;  // of data.descriptors, where the pose is a descriptor
};

}  // namespace reenact::training
