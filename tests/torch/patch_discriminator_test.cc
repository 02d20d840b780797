// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/patch_discriminator.h"

#include <gtest/gtest.h>

#include <cmath>

namespace reenact {
namespace {

DiscriminatorConfig small_config() {
  DiscriminatorConfig config;
  config.patch = true;
  config.num_channels = 4;
  config.num_blocks = 2;
  return config;
}

/// The weight over its largest singular value, which LAPACK finds.
torch::Tensor divided_by_norm(const torch::Tensor& weight) {
  const auto matrix = weight.reshape({weight.size(0), -1}).to(torch::kDouble);
  return weight / std::get<1>(torch::linalg_svd(matrix, false)).max().item<double>();
}

TEST(PatchDiscriminator, IsItsFormula) {
  torch::manual_seed(4);
  PatchDiscriminator network(small_config());
  const auto picture = torch::rand({2, 3, 16, 16});
  {
    torch::NoGradGuard no_grad;
    for (int i = 0; i < 200; ++i) network->forward(picture, {});  // the power iterations converge
    network->eval();
    const auto weights = network->named_parameters();
    auto x = picture * 2 - 1;
    std::vector<torch::Tensor> features;
    for (const std::string name : {"conv0", "conv1"}) {
      x = torch::conv2d(x, divided_by_norm(weights[name + ".weight"]), weights[name + ".bias"], 2, 1);
      x = torch::where(x > 0, x, 0.2 * x);
      features.push_back(x);
    }
    const auto score =
        torch::conv2d(x, divided_by_norm(weights["score.weight"]), weights["score.bias"], 1, 1).squeeze(1);
    const auto output = network->forward(picture, {});
    EXPECT_EQ(output.score.sizes(), (std::vector<std::int64_t>{2, 4, 4}));
    EXPECT_TRUE(torch::allclose(output.score, score, 1e-4, 1e-5));
    ASSERT_EQ(output.features.size(), features.size());
    for (std::size_t i = 0; i < features.size(); ++i)
      EXPECT_TRUE(torch::allclose(output.features[i], features[i], 1e-4, 1e-5)) << "map " << i;
  }
  EXPECT_FALSE(network->embed(torch::zeros({2}, torch::kLong)).defined()) << "classes do not count";
}

TEST(PatchDiscriminator, IsWhatTheConfigurationAsksFor) {
  auto config = small_config();
  EXPECT_TRUE(std::dynamic_pointer_cast<PatchDiscriminatorImpl>(make_discriminator(config)));
  config.patch = false;
  config.image_size = 16;
  EXPECT_TRUE(std::dynamic_pointer_cast<DiscriminatorImpl>(make_discriminator(config)));
}

}  // namespace
}  // namespace reenact
