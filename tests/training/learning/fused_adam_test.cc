// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/fused_adam.h"

#include <gtest/gtest.h>

#include <vector>

namespace reenact::training {
namespace {

/// The parameters after some steps on a loss whose gradients differ in size; the second one sits out two steps.
template <typename Optimizer>
std::vector<torch::Tensor> after_steps(const torch::Device& device) {
  torch::manual_seed(3);
  std::vector<torch::Tensor> parameters = {torch::randn({5, 7}, device), torch::randn({11}, device),
                                           torch::randn({2, 3, 4, 4}, device)};
  for (auto& parameter : parameters) parameter.set_requires_grad(true);
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(std::vector<torch::Tensor>{parameters[0], parameters[1]});
  groups.emplace_back(std::vector<torch::Tensor>{parameters[2]},
                      std::make_unique<torch::optim::AdamOptions>(0.05));
  Optimizer optimizer(groups, torch::optim::AdamOptions(0.01).betas({0.5, 0.99}).eps(1e-6));
  for (int step = 0; step < 6; ++step) {
    optimizer.zero_grad();
    auto loss = parameters[0].pow(2).sum() + 1e-3 * parameters[2].sin().sum();
    if (step % 3 != 1) loss = loss + 100 * parameters[1].abs().sum();
    loss.backward();
    if (step % 3 == 1) parameters[1].mutable_grad() = torch::Tensor();
    optimizer.step();
  }
  for (auto& parameter : parameters) parameter = parameter.detach().cpu();
  return parameters;
}

TEST(FusedAdam, MovesParametersAsLibTorchsAdamDoes) {
  const auto wanted = after_steps<torch::optim::Adam>(torch::kCPU),
             moved = after_steps<FusedAdam>(torch::kCPU);
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_TRUE(torch::equal(moved[i], wanted[i])) << i;
}

TEST(FusedAdam, DoesSoWithFewKernelsOnAGpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "there is no GPU with CUDA";
  const auto wanted = after_steps<torch::optim::Adam>(torch::kCUDA),
             moved = after_steps<FusedAdam>(torch::kCUDA);
  for (std::size_t i = 0; i < wanted.size(); ++i)
    EXPECT_TRUE(torch::allclose(moved[i], wanted[i], 1e-5, 1e-6)) << i;
}

}  // namespace
}  // namespace reenact::training
