// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/loss_scaler.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace reenact::training {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

/// Two weights under gradient descent of rate 1, whose gradients are given.
class ScaledDescent : public testing::Test {
 protected:
  bool step(LossScaler& scaler, float first, float second) {
    weights_.mutable_grad() = torch::tensor({first, second}) * static_cast<float>(scaler.scale());
    const bool sound = scaler.unscale(optimizer_);
    if (sound) optimizer_.step();
    return sound;
  }
  torch::Tensor weights_ = torch::tensor({8.f, 8.f}).requires_grad_();
  torch::optim::SGD optimizer_{std::vector<torch::Tensor>{weights_}, 1.0};
};

TEST_F(ScaledDescent, GradientsAreThoseOfTheLoss) {
  LossScaler scaler(1024);
  const auto loss = weights_.square().sum();
  EXPECT_EQ(scaler.scaled(loss).item<float>(), 1024 * 128);
  scaler.scaled(loss).backward();
  EXPECT_TRUE(scaler.unscale(optimizer_));
  EXPECT_TRUE(torch::equal(weights_.grad(), torch::tensor({16.f, 16.f})));
}

TEST_F(ScaledDescent, HalvesAtInfinityAndDoublesAfterSoManyGoodSteps) {
  LossScaler scaler(8, /*growth_interval=*/3);
  for (const double scale : {8, 8, 16}) {
    EXPECT_TRUE(step(scaler, 1, 2));
    EXPECT_EQ(scaler.scale(), scale);
  }
  const auto before = weights_.detach().clone();
  EXPECT_TRUE(torch::equal(before, torch::tensor({5.f, 2.f})));
  EXPECT_FALSE(step(scaler, 1, infinity));
  EXPECT_EQ(scaler.scale(), 8);
  EXPECT_FALSE(step(scaler, not_a_number, 1));
  EXPECT_EQ(scaler.scale(), 4);
  EXPECT_TRUE(torch::equal(weights_, before)) << "such a step is left out";
  step(scaler, 0, 0);
  step(scaler, 0, 0);
  EXPECT_FALSE(step(scaler, -infinity, infinity));
  for (const double scale : {2, 2, 4}) {
    EXPECT_TRUE(step(scaler, 0, 1));
    EXPECT_EQ(scaler.scale(), scale) << "the count begins anew";
  }
}

TEST_F(ScaledDescent, EndsWhereNoScaleHelps) {
  LossScaler scaler(LossScaler::first_scale(torch::kHalf));
  int left_out = 0;
  test::expect_error(
      [&] {
        while (!step(scaler, infinity, 0)) ++left_out;
      },
      ErrorCode::invalid, {"gradients are not finite"});
  EXPECT_EQ(left_out, 32) << "from 2^16 down to 2^-16";
}

TEST_F(ScaledDescent, WithoutAScaleNothingIsTouched) {
  LossScaler scaler(LossScaler::first_scale(torch::kBFloat16));
  weights_.mutable_grad() = torch::tensor({3.f, infinity});
  EXPECT_TRUE(scaler.unscale(optimizer_));
  EXPECT_EQ(weights_.grad()[0].item<float>(), 3);
  Checkpoint checkpoint;
  scaler.save_to(checkpoint, "scaler");
  EXPECT_TRUE(checkpoint.tensors().empty());
}

TEST_F(ScaledDescent, GoesOnFromACheckpoint) {
  const test::TemporaryFolder folder;
  LossScaler scaler(8, 3);
  step(scaler, infinity, 0);
  step(scaler, 0, 0);
  step(scaler, 0, 0);
  Checkpoint checkpoint;
  scaler.save_to(checkpoint, "scaler");
  checkpoint.save(folder / "checkpoint.safetensors", {});
  const auto loaded = Checkpoint::load(folder / "checkpoint.safetensors");
  LossScaler resumed(8, 3), without(0);
  resumed.restore_from(loaded, "scaler");
  EXPECT_EQ(resumed.scale(), 4);
  step(resumed, 0, 0);
  EXPECT_EQ(resumed.scale(), 8) << "the third good step in a row";
  without.restore_from(loaded, "scaler");
  EXPECT_EQ(without.scale(), 0);
}

}  // namespace
}  // namespace reenact::training
