// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "training/data/face_alignment.h"

namespace reenact::training {

/// A face as a network described it, and its five points in -1..1 of the crop.
struct KeypointSample {
  std::vector<float> features;
  FivePoints points{};
};

struct KeypointOptions {
  int hidden = 768;  ///< width of the one hidden layer; 0: none, a linear map
  double learning_rate = 1e-3;
  int batch_size = 64, most_epochs = 400;
  int patience =
      15;  ///< epochs without progress after which the rate is divided by five, three times at most
  double stopping_share = 0.1;  ///< of the samples to learn from, the last ones, that tell when to stop
  std::uint64_t seed = 0;
};

struct KeypointResult {
  double error = 0;  ///< per cent of the distance between the eyes, mean over pictures and points
  std::vector<double> of_pictures;
  double mean_face_error = 0;  ///< the same of one that always says the mean of the faces learned from
  int epochs = 0;
  std::int64_t parameters = 0;
};

/// Linear, ReLU, Linear to ten numbers; without a hidden layer one Linear.
torch::nn::Sequential keypoint_network(std::int64_t features, int hidden);

/// Learns five points from features, which are brought to zero mean and unit deviation: mean squared error, Adam, the epoch
/// that does best on what is held back. Throws Error (invalid) for fewer than ten samples to learn from or none to test on.
KeypointResult regress_keypoints(const std::vector<KeypointSample>& training,
                                 const std::vector<KeypointSample>& test, const KeypointOptions& options);

}  // namespace reenact::training
