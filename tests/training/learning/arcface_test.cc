// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/arcface.h"

#include <gtest/gtest.h>

#include <cmath>

#include "reenact/error.h"
#include "training/learning/verification.h"

namespace reenact::training {
namespace {

TEST(ArcFace, AddsTheMarginToTheAngleOfTheOwnClass) {
  const double first = std::cos(0.4), second = std::cos(1.2);
  const auto logits =
      arcface_logits(torch::tensor({{first, second, -0.3}, {0.2, second, 0.1}}, torch::kFloat),
                     torch::tensor({0, 1}), 64, 0.5);
  EXPECT_NEAR(logits[0][0].item<double>(), 64 * std::cos(0.9), 1e-3);
  EXPECT_NEAR(logits[0][1].item<double>(), 64 * second, 1e-3);
  EXPECT_NEAR(logits[0][2].item<double>(), 64 * -0.3, 1e-3);
  EXPECT_NEAR(logits[1][0].item<double>(), 64 * 0.2, 1e-3);
  EXPECT_NEAR(logits[1][1].item<double>(), 64 * std::cos(1.7), 1e-3);
}

TEST(ArcFace, GoesOnFallingWhereTheAngleWouldPassAHalfTurn) {
  // cos(pi - 0.5) = -0.878: beyond it the published code takes cos - m sin m.
  const auto logits =
      arcface_logits(torch::tensor({{-0.95f, 0.f}, {-1.f, 0.f}}), torch::tensor({0, 0}), 1, 0.5);
  EXPECT_NEAR(logits[0][0].item<double>(), -0.95 - 0.5 * std::sin(0.5), 1e-5);
  EXPECT_NEAR(logits[1][0].item<double>(), -1 - 0.5 * std::sin(0.5), 1e-5);
}

TEST(ArcFace, HasFiniteGradientsAtTheEndsOfTheCosine) {
  auto cosines = torch::tensor({{1.f, -1.f}, {0.5f, -1.f}}).requires_grad_();
  const auto labels = torch::tensor({0, 1});
  torch::cross_entropy_loss(arcface_logits(cosines, labels, 64, 0.5), labels).backward();
  EXPECT_TRUE(torch::isfinite(cosines.grad()).all().item<bool>());
}

TEST(ArcFaceHead, GivesTheCosinesToItsCenters) {
  torch::manual_seed(1);
  ArcFaceHead head(3, 4);
  const auto vectors = torch::randn({2, 4});
  const auto cosines = head->forward(vectors);
  const auto weight = head->parameters()[0];
  for (int i = 0; i < 2; ++i)
    for (int k = 0; k < 3; ++k)
      EXPECT_NEAR(cosines[i][k].item<double>(),
                  (vectors[i].dot(weight[k]) / (vectors[i].norm() * weight[k].norm())).item<double>(), 1e-5);
}

TEST(Verification, FindsTheErrorsOfAMadeUpCase) {
  // A threshold between 0.5 and 0.6 refuses one of four and accepts one of four.
  const auto figures = verification_figures({0.9, 0.8, 0.7, 0.4}, {0.6, 0.3, 0.2, 0.1});
  EXPECT_DOUBLE_EQ(figures.equal_error_rate, 0.25);
  // Of sixteen comparisons only 0.4 against 0.6 is lost.
  EXPECT_DOUBLE_EQ(figures.area_under_curve, 15.0 / 16);
}

TEST(Verification, PerfectAndUselessScores) {
  const auto perfect = verification_figures({0.9, 0.8}, {0.1, 0.2, 0.3});
  EXPECT_DOUBLE_EQ(perfect.equal_error_rate, 0);
  EXPECT_DOUBLE_EQ(perfect.area_under_curve, 1);
  const auto equal = verification_figures({0.5, 0.5}, {0.5});
  EXPECT_DOUBLE_EQ(equal.equal_error_rate, 0.5);
  EXPECT_DOUBLE_EQ(equal.area_under_curve, 0.5);
  const auto reversed = verification_figures({0.1}, {0.9});
  EXPECT_DOUBLE_EQ(reversed.equal_error_rate, 1);
  EXPECT_DOUBLE_EQ(reversed.area_under_curve, 0);
  EXPECT_THROW(verification_figures({}, {0.5}), Error);
}

}  // namespace
}  // namespace reenact::training
