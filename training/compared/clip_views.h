// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "training/data/head_clip.h"
#include "training/data/random.h"

namespace reenact::training {

/// Frames of one clip each: what networks learn from that draw a frame by warping others.
struct ClipViews {
  torch::Tensor sources;  ///< [B, K, 3, S, S] in 0..1
  torch::Tensor target;   ///< [B, 3, S, S]
};

/// Draws frames of clips, cut as the network named "x2face" or "fabnet" sees faces.
class ClipViewSampler {
 public:
  /// `clips` must outlive the object; those with too few frames for `sources` and a target are left out. Throws Error
  /// (invalid) where none is left.
  ClipViewSampler(const std::vector<HeadClip>& clips, std::string network, int image_size, int sources);
  /// Same state of `random`, same batch. All pictures are cut tighter to the same share of the side, at random down to
  /// 1 - `jitter`, each about a place of its own.
  ClipViews draw(int batch_size, Random& random, double jitter) const;
  /// Uncut: of every clip its first frame as the one source and a later one as target.
  ClipViews plain() const;
  std::size_t clips() const { return clips_.size(); }

 private:
  torch::Tensor view(const HeadFrame& frame, double share, Random& random) const;

  std::vector<const HeadClip*> clips_;
  std::string network_;
  int image_size_, sources_;
};

}  // namespace reenact::training
