// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>

#include "reenact/config.h"
#include "torch/networks/encoders.h"

namespace reenact::training {

/// A pose encoder and its landmark head that learn nothing any more and say what a picture shows, beside one that does
/// learn; and for every person of the training data the offset that it adds to the embedding (person_offsets()).
///
/// With it the encoder that learns can be taught poses without the person, and a head drawn in somebody else's pose can
/// be asked for its own person's proportions.
class PoseReaderImpl : public torch::nn::Module {
 public:
  /// `people`: rows of offsets.
  PoseReaderImpl(const ReenactorConfig& config, std::int64_t people);
  /// Takes "pose.*" and "landmark_head.*" from starting_weights(). Throws Error (wrong_kind) naming what is missing.
  void start_from(const std::map<std::string, torch::Tensor>& weights);

  /// [B, 3, P, P] in 0..1 -> [B, d_p], the person included. Gradients reach the picture, not the weights.
  torch::Tensor pose(const torch::Tensor& pictures);
  /// [B, d_p] -> [B, 478, 2] in 0..1 of the picture's side.
  torch::Tensor landmarks(const torch::Tensor& pose);
  /// Of these people, [B] int64 -> [B, d_p].
  torch::Tensor offsets(const torch::Tensor& people) const { return offsets_.index_select(0, people); }
  /// Mean size of an embedding's number, its offset taken away, over the frames below; losses count in it.
  torch::Tensor deviation() const { return deviation_; }
  /// Finds the offsets from frames: their embeddings by pose() [N, d_p] and people [N].
  void learn_offsets(const torch::Tensor& embeddings, const torch::Tensor& people);
  bool knows_offsets() const { return deviation_.item<float>() > 0; }

 private:
  PoseEncoderNetwork pose_ = nullptr;
  torch::nn::Linear landmark_head_ = nullptr;
  torch::Tensor offsets_, deviation_;
};
TORCH_MODULE(PoseReader);

}  // namespace reenact::training
