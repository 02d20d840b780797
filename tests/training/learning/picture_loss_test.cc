// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/picture_loss.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "training/learning/landmark_loss.h"

namespace reenact::training {
namespace {

TEST(PictureLoss, FacePartWeightsAverageToOne) {
  auto landmarks = torch::rand({2, 478, 2});
  const auto weights = face_part_weights(landmarks, torch::tensor({1.f, 0.f}), 16, 4.0);
  EXPECT_NEAR(weights[0].mean().item<double>(), 1, 1e-5);
  EXPECT_GT(weights[0].max().item<double>(), 1.1);
  EXPECT_TRUE(torch::allclose(weights[1], torch::ones({1, 16, 16})));
}

TEST(LandmarkLoss, IgnoresSamplesWithoutLandmarks) {
  const auto wanted = torch::rand({2, 478, 2});
  auto predicted = wanted.clone();
  predicted[1] += 0.5;
  EXPECT_EQ(landmark_loss(predicted, wanted, torch::tensor({1.f, 0.f})).item<float>(), 0.f);
  // Every point off by 0.5 in both coordinates: the weighted mean is 0.5, halved by the batch.
  EXPECT_NEAR(landmark_loss(predicted, wanted, torch::tensor({1.f, 1.f})).item<float>(), 0.25f, 1e-5f);
}

}  // namespace
}  // namespace reenact::training
