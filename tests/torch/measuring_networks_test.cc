// SPDX-License-Identifier: LGPL-2.1-or-later
// The networks behind the paper's metrics: their size, their work, and where they look.
#include <gtest/gtest.h>

#include <set>

#include "reenact/error.h"
#include "support/multiplications.h"
#include "torch/networks/fan.h"
#include "torch/networks/iresnet.h"

namespace reenact {
namespace {

LandmarksConfig fan_config(int stacks) {
  return {.architecture = "fan", .points = 68, .image_size = 256, .stacks = stacks};
}

struct Size {
  std::int64_t parameters = 0, statistics = 0;
};
Size size_of(const torch::nn::Module& module) {
  Size size;
  for (const auto& parameter : module.parameters()) size.parameters += parameter.numel();
  for (const auto& buffer : module.buffers())
    if (buffer.is_floating_point()) size.statistics += buffer.numel();
  return size;
}

TEST(Fan, HasTheParametersOfThePublishedNetworks) {
  const auto four = size_of(*Fan(fan_config(4)));
  EXPECT_EQ(four.parameters, 23'820'176);
  EXPECT_EQ(four.statistics, 54'144);
  EXPECT_EQ(size_of(*Fan(fan_config(1))).parameters, 6'249'668);
}

TEST(Fan, NamesItsTensorsAsThePublishedNetworksDo) {
  std::set<std::string> names;
  const Fan network(fan_config(2));
  for (const auto& item : network->named_parameters()) names.insert(item.key());
  for (const auto& item : network->named_buffers()) names.insert(item.key());
  for (const char* name :
       {"conv1.weight", "conv1.bias", "bn1.running_mean", "conv2.bn1.weight",
        "conv2.downsample.0.running_var", "conv2.downsample.2.weight", "conv4.conv3.weight",
        "m0.b1_4.bn1.weight", "m0.b2_plus_1.conv2.weight", "m1.b3_1.bn3.bias", "top_m_1.conv1.weight",
        "conv_last0.bias", "bn_end1.running_mean", "l1.weight", "bl0.weight", "al0.bias"})
    EXPECT_TRUE(names.count(name)) << name;
  for (const char* name :
       {"bl1.weight", "al1.weight", "conv3.downsample.2.weight", "m0.b2_plus_4.conv1.weight"})
    EXPECT_FALSE(names.count(name)) << name;
}

double giga_macs(const std::function<void()>& work) {
  return static_cast<double>(test::count_multiplications(work).all()) / 1e9;
}

TEST(MeasuringNetworks, DoTheWorkOfThePublishedOnes) {
  const auto fan = [](int stacks) {
    Fan network(fan_config(stacks));
    network->eval();
    return giga_macs([&] { network->forward(torch::zeros({1, 3, 256, 256})); });
  };
  EXPECT_NEAR(fan(4), 25.235, 5e-4);
  EXPECT_NEAR(fan(1), 8.268, 5e-4);
  const auto recogniser = [](int depth) {
    IResNet network(RecogniserConfig{.depth = depth});
    network->eval();
    return giga_macs([&] { network->forward(torch::zeros({1, 3, 112, 112})); });
  };
  EXPECT_NEAR(recogniser(100), 12.090, 5e-4);
  EXPECT_NEAR(recogniser(50), 6.309, 5e-4);
  EXPECT_NEAR(recogniser(18), 2.610, 5e-4);
  EXPECT_EQ(size_of(*IResNet(RecogniserConfig{.depth = 100})).statistics, 69'632);
}

TEST(Fan, LooksAtTheSquareOfFaceAlignment) {
  // Scale 1: a box of 97.5 x 97.5, whose middle moves up by 0.12 * 97.5 = 11.7.
  const auto window = fan_window({151.35f, 163.05f, 248.85f, 260.55f});
  EXPECT_EQ(window, cv::Rect(100, 100, 200, 200));
}

TEST(Fan, PutsPointsWhereTheHeatMapsAreHighest) {
  auto maps = torch::zeros({3, 64, 64});
  maps[0][32][16] = 1;
  maps[0][32][17] = 0.5;  // the larger neighbour pulls by a quarter of a cell
  maps[1][0][63] = 1;     // on the rim none does
  maps[2][10][10] = 1;
  maps[2][9][10] = 0.25;
  const FaceBox box{151.35f, 163.05f, 248.85f,
                    260.55f};  // looked at from 100.1 to 300.1: 3.125 pixels a cell
  const auto points = fan_points(maps, box);
  EXPECT_EQ(points[0],
            cv::Point2f(static_cast<int>(100.1 + 16.75 * 3.125), static_cast<int>(100.1 + 32.5 * 3.125)));
  EXPECT_EQ(points[1],
            cv::Point2f(static_cast<int>(100.1 + 63.5 * 3.125), static_cast<int>(100.1 + 0.5 * 3.125)));
  EXPECT_EQ(points[2],
            cv::Point2f(static_cast<int>(100.1 + 10.5 * 3.125), static_cast<int>(100.1 + 10.25 * 3.125)));
}

TEST(Fan, FindsTheSamePointsWhereverTheFaceLies) {
  torch::manual_seed(5);
  Fan network(fan_config(1));
  network->eval();
  cv::Mat face(200, 200, CV_8UC3), wide(300, 320, CV_8UC3, cv::Scalar::all(0));
  cv::theRNG().state = 7;
  cv::randu(face, 0, 256);
  face.copyTo(wide(cv::Rect(50, 40, 200, 200)));
  // The same window of the same pixels, once in the middle of a picture and once filling it.
  const FaceBox filling{51.35f, 63.05f, 148.85f, 160.55f}, within{101.35f, 103.05f, 198.85f, 200.55f};
  const auto points = find_fan_points(network, {face, wide}, {filling, within});
  ASSERT_EQ(points[0].size(), 68u);
  for (int k = 0; k < 68; ++k) EXPECT_EQ(points[0][k] + cv::Point2f(50, 40), points[1][k]);
  EXPECT_THROW(find_fan_points(network, {face}, {}), Error);
}

}  // namespace
}  // namespace reenact
