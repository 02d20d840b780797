// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/multibox_loss.h"

#include <gtest/gtest.h>

#include <cmath>

namespace reenact::training {
namespace {

constexpr auto face = AnchorTargets::face, background = AnchorTargets::background,
               ignored = AnchorTargets::ignored;

/// One picture of four anchors.
AnchorTargets targets_of(std::vector<std::int8_t> labels) {
  AnchorTargets targets;
  targets.offsets.assign(labels.size(), {});
  targets.labels = std::move(labels);
  return targets;
}

double cross_entropy(double wanted, double other) {
  return std::log(1 + std::exp(other - wanted));
}

TEST(MultiboxLoss, SumsThePositiveAndTheHardestNegatives) {
  FlatOutputs outputs;
  outputs.scores = torch::tensor({{{1.f, 2.f}, {3.f, 0.f}, {0.f, 1.f}, {2.f, 1.f}}});
  outputs.offsets = torch::zeros({1, 4, 4});
  MultiboxOptions options;
  options.negatives_per_positive = 2;
  options.least_negatives = 0;
  const auto loss = multibox_loss(outputs, {targets_of({face, background, background, background})}, options);
  EXPECT_EQ(loss.positives, 1);
  EXPECT_EQ(loss.negatives, 2);
  // Anchors 2 and 3 are less sure of the background than anchor 1.
  const double expected = cross_entropy(2, 1) + cross_entropy(0, 1) + cross_entropy(2, 1);
  EXPECT_NEAR(loss.classification.item<double>(), expected, 1e-5);
  EXPECT_EQ(loss.localisation.item<double>(), 0);
}

TEST(MultiboxLoss, IgnoredAnchorsTakeNoPart) {
  FlatOutputs outputs;
  outputs.scores = torch::tensor({{{0.f, 9.f}, {3.f, 0.f}}}).set_requires_grad(true);
  outputs.offsets = torch::zeros({1, 2, 4});
  const auto loss = multibox_loss(outputs, {targets_of({ignored, background})});
  EXPECT_EQ(loss.positives, 0);
  EXPECT_EQ(loss.negatives, 1);
  loss.classification.backward();
  EXPECT_EQ(outputs.scores.grad()[0][0].abs().sum().item<float>(), 0);
  EXPECT_GT(outputs.scores.grad()[0][1].abs().sum().item<float>(), 0);
}

TEST(MultiboxLoss, LocalisationIsSmoothL1OverPositivesOnly) {
  FlatOutputs outputs;
  outputs.scores = torch::zeros({1, 2, 2});
  outputs.offsets = torch::tensor({{{0.5f, 3.f, 0.f, -1.f}, {100.f, 100.f, 100.f, 100.f}}});
  auto targets = targets_of({face, background});
  targets.offsets[0] = {0, 1, 0, 1};
  const auto loss = multibox_loss(outputs, {targets});
  // Quadratic below one (0.5 * 0.5^2), linear above (|d| - 0.5).
  EXPECT_NEAR(loss.localisation.item<double>(), 0.125 + 1.5 + 0 + 1.5, 1e-6);
}

TEST(MultiboxLoss, NegativesAreMinedOverTheWholeBatch) {
  FlatOutputs outputs;
  // The second picture has no face, yet the hardest negative of the batch.
  outputs.scores =
      torch::tensor({{{0.f, 4.f}, {5.f, 0.f}}, {{0.f, 6.f}, {5.f, 0.f}}}).set_requires_grad(true);
  outputs.offsets = torch::zeros({2, 2, 4});
  MultiboxOptions options;
  options.negatives_per_positive = 1;
  options.least_negatives = 0;
  const auto loss =
      multibox_loss(outputs, {targets_of({face, background}), targets_of({background, background})}, options);
  EXPECT_EQ(loss.negatives, 1);
  loss.classification.backward();
  EXPECT_GT(outputs.scores.grad()[1][0].abs().sum().item<float>(), 0);
  EXPECT_EQ(outputs.scores.grad()[0][1].abs().sum().item<float>(), 0);
}

TEST(MultiboxLoss, FlattensMapsInTheOrderOfTheAnchors) {
  std::vector<S3fdOutput> outputs;
  const auto ramp = torch::arange(2 * 3 * 2, torch::kFloat).view({1, 2, 3, 2});
  outputs.push_back({4, ramp, torch::arange(4 * 3 * 2, torch::kFloat).view({1, 4, 3, 2})});
  outputs.push_back({8, torch::full({1, 2, 1, 1}, 77.f), torch::full({1, 4, 1, 1}, 88.f)});
  const auto sizes = map_sizes(outputs);
  ASSERT_EQ(sizes.size(), 2u);
  EXPECT_EQ(sizes[0].width, 2);
  EXPECT_EQ(sizes[0].height, 3);
  const auto anchors = make_anchors(sizes);
  const auto flat = flatten_outputs(outputs);
  ASSERT_EQ(flat.scores.size(1), static_cast<std::int64_t>(anchors.size()));
  // Anchor 3 lies in row 1, column 1 of the first map.
  EXPECT_EQ(anchors[3].center_y, 6);
  EXPECT_EQ(anchors[3].center_x, 6);
  EXPECT_EQ(flat.scores[0][3][0].item<float>(), ramp[0][0][1][1].item<float>());
  EXPECT_EQ(flat.scores[0][3][1].item<float>(), ramp[0][1][1][1].item<float>());
  EXPECT_EQ(flat.scores[0][6][1].item<float>(), 77);
  EXPECT_EQ(flat.offsets[0][6][3].item<float>(), 88);
}

}  // namespace
}  // namespace reenact::training
