// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reenact/config.h"
#include "training/import/imported_weights.h"

namespace reenact::training {

/// Which of the two sets of weights in the authors' checkpoints.
enum class WeightsChoice {
  average,  ///< running averages (`running_averages`): what the authors draw with
  raw       ///< the weights as trained, from which they fine-tune
};

/// A checkpoint of the authors' released code (latent-pose-reenactment), meta-learned or fine-tuned, with its
/// tensors under our names: of their own system, X2Face+, FAb-Net+, FSTH or FSTH+. Its generator's name and the pose encoder's
/// tensors tell which.
///
/// Throws Error as TorchArchive does, and wrong_kind when it is no such checkpoint, is one of another system, or
/// has options that our networks do not know; the sentence names the option.
class AuthorsCheckpoint {
 public:
  explicit AuthorsCheckpoint(const std::filesystem::path& path);

  const TorchArchive& archive() const { return archive_; }
  /// Sizes from the checkpoint's options, the MLP's width and the pose encoder's width from its weights.
  const ReenactorConfig& config() const { return config_; }
  /// Fine-tuned to one person: its generator holds that person's embedding, or AdaIN numbers (FSTH).
  bool is_fine_tuned() const { return fine_tuned_; }
  bool has(WeightsChoice choice) const;

  /// `gen.*` but the identity embedding, `pose.*`, `idt.*`. Throws Error (wrong_kind) when the checkpoint
  /// lacks them.
  PickledTensors tensors(WeightsChoice choice) const;
  /// [1, d_i], of a fine-tuned checkpoint but FSTH. Throws Error (wrong_kind).
  PickledTensor identity_embedding(WeightsChoice choice) const;
  /// The AdaIN numbers of a fine-tuned FSTH in the order of the layer `project`: of every AdaIN layer its biases, then its
  /// weights. Throws Error (wrong_kind) where some are missing.
  std::vector<float> adain_numbers(WeightsChoice choice) const;
  /// `dis.*`, which has no running average; the embeddings of the training set's videos, `dis.embed.*`, only
  /// of a fine-tuned checkpoint, where they are one row.
  PickledTensors discriminator() const;
  int discriminator_blocks() const;

  /// For the file's provenance: where it came from, and the options that say how it was trained.
  nlohmann::json provenance(WeightsChoice choice) const;

 private:
  std::string name() const { return "'" + archive_.path().string() + "'"; }
  /// One of the authors' state_dicts, under our names.
  PickledTensors network(const PickleValue& networks, const std::string& authors_name) const;
  PickleValue networks(WeightsChoice choice) const;
  std::string option_text(const std::string& option) const;
  void require(const std::string& option, const std::string& wanted) const;
  ReenactorConfig read_config() const;
  /// What the configuration says of poses, encoders and architecture; sizes are not touched.
  void read_system(ReenactorConfig& config) const;

  TorchArchive archive_;
  PickleValue root_, options_;
  ReenactorConfig config_;
  bool fine_tuned_ = false;
};

}  // namespace reenact::training
