// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/reenactor/appearance_codes.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <vector>

namespace reenact::training {
namespace {

TEST(AppearanceCodes, PutTheSamePersonNearest) {
  torch::manual_seed(5);
  constexpr int people = 30, size = 24;
  const auto heads = torch::rand({people, 3, 8, 8});
  const auto again = heads + 0.03 * torch::randn_like(heads);
  const auto codes = appearance_codes(torch::cat({heads, again}), size, 10);
  EXPECT_EQ(codes.sizes(), (std::vector<std::int64_t>{2 * people, size}));
  EXPECT_NEAR(codes.std().item<double>(), 10, 1e-3);
  EXPECT_LT(codes.mean(0).abs().max().item<double>(), 1e-3);
  auto distances = torch::cdist(codes, codes);
  distances.fill_diagonal_(1e9);
  const auto nearest = distances.argmin(1);
  for (int i = 0; i < people; ++i) EXPECT_EQ(nearest[i].item<int>(), people + i);
}

}  // namespace
}  // namespace reenact::training
