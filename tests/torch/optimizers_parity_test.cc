// SPDX-License-Identifier: LGPL-2.1-or-later
// Optimisers and the running average of weights against the authors' code and closed forms.
#include <gtest/gtest.h>

#include <cmath>

#include "reenact/error.h"
#include "support/parity_file.h"
#include "support/shared_data.h"
#include "training/learning/radam.h"
#include "training/learning/weight_average.h"

namespace reenact::training {
namespace {

using test::is_close;
using test::ParityFile;

constexpr double relative = 1e-6;

TEST(OptimizerParity, RAdam) {
  REENACT_SHARED_FILE(path, "parity/optimizers.safetensors");
  const ParityFile file(path);
  auto parameter = file.at("p0").requires_grad_();
  RAdam optimizer({parameter}, {.learning_rate = 5e-4});
  const auto gradients = file.at("grads"), expected = file.at("radam_lr5e-4.p_after_each_step");
  ASSERT_EQ(gradients.size(0), 12);
  for (int i = 0; i < 12; ++i) {
    parameter.mutable_grad() = gradients[i].clone();
    optimizer.step();
    EXPECT_TRUE(is_close(parameter, expected[i], 0, relative)) << "update " << i + 1;
  }
  EXPECT_TRUE(is_close(optimizer.state_tensors().at("0.exp_avg_sq"), file.at("radam_lr5e-4.exp_avg_sq"), 0,
                       relative));
}

TEST(OptimizerParity, Adam) {
  REENACT_SHARED_FILE(path, "parity/optimizers.safetensors");
  const ParityFile file(path);
  auto parameter = file.at("p0").requires_grad_();
  torch::optim::Adam optimizer({parameter}, torch::optim::AdamOptions(5e-5).betas({0.0, 0.999}).eps(1e-5));
  const auto gradients = file.at("grads"), expected = file.at("adam_lr5e-5.p_after_each_step");
  ASSERT_EQ(gradients.size(0), 12);
  for (int i = 0; i < 12; ++i) {
    parameter.mutable_grad() = gradients[i].clone();
    optimizer.step();
    EXPECT_TRUE(is_close(parameter, expected[i], 0, relative)) << "update " << i + 1;
  }
}

TEST(RAdam, ResumesExactly) {
  torch::manual_seed(3);
  for (const double beta1 : {0.0, 0.9}) {
    auto first = torch::randn({5}).requires_grad_(), second = first.detach().clone().requires_grad_();
    const RAdamOptions options{.beta1 = beta1};
    RAdam uninterrupted({first}, options);
    auto interrupted = std::make_unique<RAdam>(std::vector<torch::Tensor>{second}, options);
    for (int i = 0; i < 12; ++i) {
      if (i == 7) {
        std::map<std::string, torch::Tensor> stored;
        for (const auto& [name, tensor] : interrupted->state_tensors()) stored[name] = tensor.clone();
        interrupted = std::make_unique<RAdam>(std::vector<torch::Tensor>{second}, options);
        interrupted->set_state_tensors(stored);
      }
      const auto gradient = torch::randn({5});
      first.mutable_grad() = gradient;
      second.mutable_grad() = gradient;
      uninterrupted.step();
      interrupted->step();
    }
    EXPECT_TRUE(torch::equal(first, second)) << "beta1 " << beta1;
  }
}

TEST(RAdam, WithoutPlainStepsTheFirstFiveDoNothing) {
  auto parameter = torch::ones({1}).requires_grad_();
  RAdam optimizer({parameter}, {.degenerated_to_sgd = false});
  for (int i = 0; i < 6; ++i) {
    parameter.mutable_grad() = torch::ones({1});
    optimizer.step();
    EXPECT_EQ(parameter.item<float>() == 1.0f, i < 5) << "update " << i + 1;
  }
}

TEST(RAdam, RefusesAStateThatDoesNotFit) {
  RAdam optimizer({torch::ones({2}).requires_grad_()}, {});
  auto state = optimizer.state_tensors();
  state["1.step"] = torch::tensor(1);
  EXPECT_THROW(optimizer.set_state_tensors(state), Error);
  state = optimizer.state_tensors();
  state["0.exp_avg_sq"] = torch::ones({3});
  EXPECT_THROW(optimizer.set_state_tensors(state), Error);
  EXPECT_THROW(optimizer.set_state_tensors({}), Error);
}

TEST(WeightAverage, ParametersAreAveragedAndBuffersCopied) {
  torch::nn::BatchNorm1d module(1);
  WeightAverage average(*module, 0.9);
  torch::NoGradGuard no_grad;
  for (int i = 1; i <= 3; ++i) {
    module->weight.fill_(1.0 + i);
    module->running_mean.fill_(i);
    module->num_batches_tracked.fill_(i);
    average.update();
  }
  // 0.9^3 * 1 + 0.1 * (0.9^2 * 2 + 0.9 * 3 + 4)
  EXPECT_NEAR(average.tensors().at("weight").item<float>(), 1.561, 1e-6);
  EXPECT_EQ(average.tensors().at("running_mean").item<float>(), 3.0f);
  EXPECT_EQ(average.tensors().at("num_batches_tracked").item<std::int64_t>(), 3);

  average.swap();
  EXPECT_NEAR(module->weight.item<float>(), 1.561, 1e-6);
  EXPECT_EQ(average.tensors().at("weight").item<float>(), 4.0f);
  average.swap();
  EXPECT_EQ(module->weight.item<float>(), 4.0f);

  torch::nn::BatchNorm1d other(1);
  average.copy_to(*other);
  EXPECT_NEAR(other->weight.item<float>(), 1.561, 1e-6);
  EXPECT_THROW(average.copy_to(*torch::nn::Linear(1, 1)), Error);
  EXPECT_THROW(WeightAverage(*module, 1.5), Error);
}

TEST(WeightAverage, ResumesExactly) {
  torch::nn::Linear module(2, 2), same(2, 2);
  WeightAverage average(*module, 0.97), resumed(*same, 0.97);
  torch::NoGradGuard no_grad;
  module->weight.mul_(2);
  average.update();
  resumed.set_state_tensors(average.state_tensors());
  same->weight.copy_(module->weight);
  same->bias.copy_(module->bias);
  average.update();
  resumed.update();
  for (const auto& [name, tensor] : average.tensors())
    EXPECT_TRUE(torch::equal(tensor, resumed.tensors().at(name)));
}

}  // namespace
}  // namespace reenact::training
