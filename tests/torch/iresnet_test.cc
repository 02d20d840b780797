// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/iresnet.h"

#include <gtest/gtest.h>

#include <set>

#include "reenact/error.h"
#include "torch/networks/landmark_network.h"

namespace reenact {
namespace {

std::int64_t parameter_count(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

TEST(IResNet, HasTheParametersOfThePublishedNetworks) {
  RecogniserConfig config;
  EXPECT_EQ(parameter_count(*IResNet(config)), 24'025'600);
  config.depth = 50;
  EXPECT_EQ(parameter_count(*IResNet(config)), 43'590'848);
  config.depth = 100;
  EXPECT_EQ(parameter_count(*IResNet(config)), 65'156'160);
}

TEST(IResNet, NamesItsTensorsAsThePublishedNetworksDo) {
  std::set<std::string> names;
  const IResNet network(RecogniserConfig{.width = 0.125});
  for (const auto& item : network->named_parameters()) names.insert(item.key());
  for (const auto& item : network->named_buffers()) names.insert(item.key());
  for (const char* name :
       {"conv1.weight", "bn1.running_mean", "prelu.weight", "layer1.0.bn1.weight", "layer1.0.conv1.weight",
        "layer1.0.bn2.bias", "layer1.0.prelu.weight", "layer1.0.conv2.weight", "layer1.0.bn3.running_var",
        "layer1.0.downsample.0.weight", "layer1.0.downsample.1.weight", "layer4.1.conv2.weight", "bn2.weight",
        "fc.weight", "fc.bias", "features.weight", "features.running_mean"})
    EXPECT_TRUE(names.count(name)) << name;
  EXPECT_FALSE(names.count("layer1.1.downsample.0.weight"));
}

TEST(IResNet, DescribesFacesByUnitVectors) {
  torch::manual_seed(2);
  IResNet network(RecogniserConfig{.width = 0.125, .image_size = 32, .embedding_size = 16});
  network->eval();
  cv::Mat noise(32, 32, CV_8UC3);
  cv::theRNG().state = 4;
  cv::randu(noise, 0, 256);
  const auto vectors = describe_faces(network, {noise, cv::Mat(32, 32, CV_8UC3, cv::Scalar(9, 9, 9)), noise});
  ASSERT_EQ(vectors.sizes().vec(), (std::vector<std::int64_t>{3, 16}));
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(vectors[i].norm().item<double>(), 1, 1e-5);
  EXPECT_TRUE(torch::allclose(vectors[0], vectors[2]));
  EXPECT_THROW(describe_faces(network, {cv::Mat(16, 16, CV_8UC3)}), Error);
}

TEST(LandmarkNetwork, CutsSquaresByTheEdgesOfPixels) {
  cv::Mat rgb(64, 64, CV_8UC3, cv::Scalar(0, 0, 0));
  rgb(cv::Rect(16, 24, 8, 8)) = cv::Scalar(200, 100, 50);
  // Cut exactly around the patch, larger and smaller, it fills the picture.
  for (const int size : {8, 16}) {
    const auto cut = cut_square(rgb, {16, 24, 8}, size);
    const cv::Mat inner = cut(cv::Rect(1, 1, size - 2, size - 2));
    EXPECT_EQ(cv::norm(inner, cv::Mat(inner.size(), CV_8UC3, cv::Scalar(200, 100, 50)), cv::NORM_INF), 0);
  }
  const auto small = cut_square(rgb, {0, 0, 64}, 16);
  EXPECT_EQ(small.at<cv::Vec3b>(6, 4), cv::Vec3b(200, 100, 50));
  EXPECT_EQ(small.at<cv::Vec3b>(2, 2), cv::Vec3b(0, 0, 0));
}

TEST(LandmarkNetwork, GivesMeshesInSharesOfTheCrop) {
  LandmarkNetwork network(LandmarksConfig{.image_size = 32, .width = 0.1});
  network->eval();
  torch::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) parameter.zero_();
  // Whatever it sees, it points at the same places: a mesh from a quarter to three quarters of the square.
  auto bias = network->named_parameters()["classifier.1.bias"];
  bias.copy_(torch::linspace(0.25, 0.75, 478).unsqueeze(1).expand({478, 2}).reshape({-1}));
  const auto meshes = find_landmarks(network, {cv::Mat(100, 100, CV_8UC3, cv::Scalar(5, 5, 5))});
  ASSERT_EQ(meshes.size(), 1u);
  ASSERT_EQ(meshes[0].size(), 478u);
  // Each closer look is at a square of 0.5 * 1.5 of the side of the one before, in the same middle.
  const float half = 0.25f * 0.75f * 0.75f;
  EXPECT_NEAR(meshes[0].front().x, 0.5f - half, 1e-4);
  EXPECT_NEAR(meshes[0].back().y, 0.5f + half, 1e-4);
  EXPECT_THROW(find_landmarks(network, {cv::Mat(10, 20, CV_8UC3)}), Error);
}

}  // namespace
}  // namespace reenact
