// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <optional>
#include <string>
#include <vector>

#include "reenact/config.h"
#include "torch/networks/landmark_network.h"
#include "training/data/head_clip.h"
#include "training/data/landmark_expression.h"

namespace reenact::training {

/// Finds what a model's poses are made of in pictures that come without it: facial points, or descriptors of them.
class PoseFinder {
 public:
  /// `landmarks`, a network that finds facial points, and `expression`, what makes descriptors of them, are names for
  /// find_model() or empty; what the model does not want is not read. Throws Error: as ModelFile does, and wrong_kind for
  /// descriptors of another length than the model's.
  PoseFinder(const ReenactorConfig& config, const std::string& landmarks, const std::string& expression,
             const torch::Device& device);
  /// Throws Error (invalid) for a frame without descriptor of which none can be made.
  void complete(std::vector<HeadFrame>& frames);

 private:
  bool wants_landmarks_, wants_descriptor_;
  LandmarkNetwork landmarks_ = nullptr;
  std::optional<LandmarkExpression> expression_;
};

}  // namespace reenact::training
