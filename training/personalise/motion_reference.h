// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include "torch/networks/encoders.h"
#include "training/personalise/personal_generator.h"

namespace reenact::training {

/// How a person's head follows poses of other people before fine-tuning: what must not be lost.
///
/// A generator tuned to a few pictures forgets how to follow, first of all expressions that the pictures do
/// not show. The pose encoder, which tuning leaves alone, measures that on the heads it draws.
class MotionReference {
 public:
  /// Draws the person, not yet tuned, in `poses` [M, d_p], M at least 2. `pose_image_size`: the encoder's
  /// input, pixels.
  MotionReference(PersonalGenerator& person, PoseEncoderNetwork& pose_encoder, const torch::Tensor& poses,
                  int pose_image_size);

  /// Mean squared difference between the poses seen now and before in heads for the poses number `chosen`
  /// [m] int64, over their variance: 0 when nothing is lost, about 1 and more when the head follows no
  /// longer. Leaves both networks in evaluation or training mode as they are.
  torch::Tensor loss(PersonalGenerator& person, PoseEncoderNetwork& pose_encoder,
                     const torch::Tensor& chosen) const;
  /// loss() over all poses, without gradient.
  double lost(PersonalGenerator& person, PoseEncoderNetwork& pose_encoder) const;

  std::int64_t size() const { return poses_.size(0); }
  const torch::Tensor& poses() const { return poses_; }

 private:
  torch::Tensor seen(PersonalGenerator& person, PoseEncoderNetwork& pose_encoder,
                     const torch::Tensor& poses) const;

  torch::Tensor poses_, before_;
  int pose_image_size_;
  double variance_ = 1;
};

}  // namespace reenact::training
