// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/reenactor/person_offsets.h"

#include <gtest/gtest.h>

namespace reenact::training {
namespace {

constexpr std::int64_t people = 40, frames = 30, size = 6, features = 2;

/// Poses made of what a person does and of who it is, and both alone.
struct Poses {
  torch::Tensor embeddings, features, labels, offsets;
};

/// Everybody looks another way on average. `noise`: deviation of what neither explains; offsets have deviation 1.
Poses make_poses(double noise) {
  torch::manual_seed(3);
  const auto options = torch::kDouble;
  const auto labels = torch::arange(people).repeat_interleave(frames);
  const auto bearing = 2 * torch::randn({people, features}, options);
  const auto seen = bearing.index_select(0, labels) + torch::randn({people * frames, features}, options);
  auto offsets = torch::randn({people, size}, options);
  offsets = offsets - offsets.mean(0, true);
  const auto slope = torch::randn({features, size}, options);
  const auto embeddings = torch::matmul(seen, slope) + offsets.index_select(0, labels) +
                          noise * torch::randn({people * frames, size}, options);
  return {embeddings, seen, labels, offsets};
}

double norm_of(const torch::Tensor& tensor) {
  return tensor.to(torch::kDouble).norm().item<double>();
}

TEST(PersonOffsets, AreWhatThePersonAddsWhereverItLooks) {
  const auto poses = make_poses(0.05);
  const auto found = person_offsets(poses.embeddings, poses.features, poses.labels, people);
  EXPECT_LT(norm_of(found - poses.offsets), 0.05 * norm_of(poses.offsets));
  // The mean of a person's embeddings would have taken the way it looks for its face.
  const auto means = poses.embeddings.view({people, frames, size}).mean(1);
  EXPECT_GT(norm_of(means - means.mean(0, true) - poses.offsets), norm_of(poses.offsets));
}

TEST(PersonOffsets, AreSmallWhereOneFrameSaysNothingOfThePerson) {
  const auto poses = make_poses(20);
  const auto plain = poses.embeddings.view({people, frames, size}).mean(1);
  const auto found = person_offsets(poses.embeddings, poses.features, poses.labels, people);
  EXPECT_LT(norm_of(found), 0.3 * norm_of(plain - plain.mean(0, true)));
}

TEST(PersonOffsets, AreZeroForPeopleWithoutFrames) {
  const auto poses = make_poses(0.05);
  const auto found = person_offsets(poses.embeddings, poses.features, poses.labels, people + 2);
  EXPECT_EQ(norm_of(found.slice(0, people)), 0);
  EXPECT_LT(norm_of(found.slice(0, 0, people) - poses.offsets), 0.05 * norm_of(poses.offsets));
}

}  // namespace
}  // namespace reenact::training
