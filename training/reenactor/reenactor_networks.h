// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include "reenact/config.h"
#include "torch/networks/encoders.h"
#include "torch/networks/generator.h"

namespace reenact::training {

/// Points of the face mesh that the landmark head predicts.
inline constexpr int landmark_count = 478;

/// A linear layer that reads the face mesh out of a pose embedding, at its first weights.
torch::nn::Linear make_landmark_head(const ReenactorConfig& config);
/// What it reads, [B, d_p] -> [B, 478, 2], 0..1 of the picture's side.
torch::Tensor read_landmarks(torch::nn::Linear& head, const torch::Tensor& pose);

/// The networks that the generator's optimiser moves, under the prefixes of the model files.
class ReenactorNetworksImpl : public torch::nn::Module {
 public:
  /// `table_rows`: learned identity embeddings, 0 for none, of standard deviation `table_deviation` at first;
  /// `landmarks`: whether a linear head reads the face mesh out of the pose embedding (auxiliary target of
  /// `lite`).
  ReenactorNetworksImpl(const ReenactorConfig& config, int table_rows, double table_deviation, double dropout,
                        bool landmarks);
  /// [B, d_p] -> [B, 478, 2], 0..1 of the picture's side.
  torch::Tensor landmarks(const torch::Tensor& pose) { return read_landmarks(landmark_head, pose); }

  /// Rescales the pose encoder's last layer so that each value has mean 0 and this standard deviation over
  /// `pictures`, and the landmark head with it, so that its predictions stay.
  void standardize_pose(const torch::Tensor& pictures, double deviation);

  /// For a foreign encoder: one factor on its last layer, so that over `pictures` its numbers have this standard
  /// deviation on average. What it tells stays, in another unit.
  void scale_foreign_pose(const torch::Tensor& pictures, double deviation);

  /// Rescales the identity encoder's last layer so that over `frames` [B, K, 3, S, S] its embeddings have the
  /// mean and deviation of the table's rows: fitting begins at their scale instead of crawling there.
  void match_identity_to_table(const torch::Tensor& frames);
  /// The same with mean 0 and this standard deviation. Does nothing for an encoder without such a layer (conv_sum).
  void standardize_identity(const torch::Tensor& frames, double deviation);

  PoseEncoderNetwork pose = nullptr;
  IdentityEncoderNetwork idt = nullptr;
  HeadGenerator gen = nullptr;
  torch::nn::Embedding table = nullptr;
  torch::nn::Linear landmark_head = nullptr;
};
TORCH_MODULE(ReenactorNetworks);

}  // namespace reenact::training
