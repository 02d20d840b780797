// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace reenact::training {

/// Logits of the additive angular margin loss (Deng et al., ArcFace, CVPR 2019): scale * cos(angle), for each sample's own
/// class scale * cos(angle + margin). Where the angle would pass 180 degrees the cosine falls on by a straight line, as in
/// the published implementation.
///
/// `cosines` [B, classes] between vectors and class centers, `labels` [B] int64, `margin` in radians. float32.
torch::Tensor arcface_logits(const torch::Tensor& cosines, const torch::Tensor& labels, double scale,
                             double margin);

/// The class centers that a recogniser is trained against; they are no part of the model.
class ArcFaceHeadImpl : public torch::nn::Module {
 public:
  ArcFaceHeadImpl(std::int64_t classes, std::int64_t embedding_size);
  /// `vectors` [B, embedding_size], not normalised -> cosines [B, classes] float32.
  torch::Tensor forward(const torch::Tensor& vectors);

 private:
  torch::Tensor weight_;
};
TORCH_MODULE(ArcFaceHead);

}  // namespace reenact::training
